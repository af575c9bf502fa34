//! What the scheduler reads of a ResourceClaim, which has no type of its own here.
//!
//! Mirrors: dynamic-resource-allocation/resourceclaim/claim.go `IsForPod`.

use api::DynamicObject;
use serde_json::Value;

/// A claim of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceClaim {
    pub uid: String,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// The pod for which it was made from a template, by uid.
    pub owner: Option<String>,
    pub allocated: bool,
    /// How many pods use it.
    pub users: usize,
    /// Each request with the class it names; an alternative of a request counts as one.
    pub requests: Vec<(String, String)>,
}

impl DeviceClaim {
    pub fn read(object: &DynamicObject) -> Self {
        let field = |path: &[&str]| path.iter().skip(1).fold(object.fields.get(path[0]), |at, name| at?.get(name));
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let owner = api::meta::owner::controller_of(&object.metadata);
        let mut requests = Vec::new();
        for request in list(field(&["spec", "devices", "requests"])) {
            let name = text(&request["name"]);
            if request["exactly"].is_object() {
                requests.push((name.clone(), text(&request["exactly"]["deviceClassName"])));
            }
            for alternative in list(request.get("firstAvailable")) {
                requests
                    .push((format!("{name}/{}", text(&alternative["name"])), text(&alternative["deviceClassName"])));
            }
        }
        Self {
            uid: object.metadata.uid.clone().unwrap_or_default(),
            leaving: object.metadata.deletion_timestamp.is_some(),
            owner: owner.map(|owner| owner.uid.clone()),
            allocated: field(&["status", "allocation"]).is_some_and(Value::is_object),
            users: list(field(&["status", "reservedFor"])).len(),
            requests,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
