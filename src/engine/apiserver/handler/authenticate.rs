//! Who is asking: a bearer token, or whoever opened the connection; and whom they speak for.
//!
//! Mirrors: apiserver/pkg/authentication, apiserver/pkg/endpoints/filters/{authentication,impersonation}.go,
//! pkg/serviceaccount. Service account tokens are JWTs in shape; their signature is a hash
//! that only this server makes, and no protection.

use std::collections::BTreeMap;

use api::order::Gather;
use api::wire::Request;
use api::{Kind, Resource, Status};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::authorize::Attributes;
use crate::apiserver::storage::Key;
use crate::apiserver::{ApiServer, Identity};

/// An authenticated user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

pub const MASTERS: &str = "system:masters";
pub const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
pub const ANONYMOUS: &str = "system:anonymous";

/// Who issues tokens, and for whom.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

impl User {
    /// The user whose certificate kubectl holds.
    fn administrator(name: &str) -> Self {
        let groups = vec![MASTERS.into(), AUTHENTICATED.into()];
        Self { name: name.into(), uid: "1".into(), groups, ..Self::default() }
    }

    fn anonymous() -> Self {
        Self { name: ANONYMOUS.into(), groups: vec![UNAUTHENTICATED.into()], ..Self::default() }
    }

    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// As `userInfo` shows it.
    pub fn to_value(&self) -> Value {
        let mut value = json!({});
        for (key, text) in [("username", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                value[key] = json!(text);
            }
        }
        if !self.groups.is_empty() {
            value["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            value["extra"] = json!(self.extra);
        }
        value
    }
}

/// Namespace and name behind `system:serviceaccount:NAMESPACE:NAME`.
fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

fn account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]
}

impl ApiServer {
    /// # Errors
    /// 401 for a token that means nobody, 403 for a user who may not speak for the other.
    pub(super) fn authenticate(&self, who: &Identity, request: &Request) -> Result<User, Status> {
        let user = match request.header("authorization").and_then(|header| header.strip_prefix("Bearer ")) {
            Some(token) => self.user_of_token(token).ok_or_else(unauthorized)?,
            None if &*who.user == ANONYMOUS => User::anonymous(),
            None => User::administrator(&who.user),
        };
        match request.header("impersonate-user") {
            Some(other) if !other.is_empty() => self.impersonate(&user, other, request),
            _ => Ok(user),
        }
    }

    /// The user behind a bearer token; `None` for a token that this server did not issue.
    pub(super) fn user_of_token(&self, token: &str) -> Option<User> {
        if !self.admin_token.is_empty() && token == &*self.admin_token {
            return Some(User::administrator("kubernetes-admin"));
        }
        let mut parts = token.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if signature != sign(header, claims) {
            return None;
        }
        let claims: Value = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        if claims["exp"].as_u64()? * 1000 <= self.unix_millis() {
            return None;
        }
        let name = claims["sub"].as_str()?;
        let (namespace, account) = service_account(name)?;
        let uid = claims.pointer("/kubernetes.io/serviceaccount/uid")?.as_str()?;
        // A token dies with its account.
        self.read(Kind::ServiceAccount, namespace, account).filter(|found| found.uid() == uid)?;
        let mut groups = account_groups(namespace);
        groups.push(AUTHENTICATED.into());
        let id = format!("JTI={}", claims["jti"].as_str().unwrap_or_default());
        let extra = [("authentication.kubernetes.io/credential-id".into(), vec![id])].into_iter().into_map();
        Some(User { name: name.into(), uid: uid.into(), groups, extra })
    }

    /// A token for a service account, and when it expires.
    pub(super) fn issue_token(&mut self, key: &Key, uid: &str, seconds: u64, audiences: &Value) -> String {
        let now = self.unix_millis() / 1000;
        let claims = json!({
            "aud": audiences,
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "jti": self.uids.uuid(),
            "kubernetes.io": {
                "namespace": &*key.namespace,
                "serviceaccount": { "name": &*key.name, "uid": uid },
            },
            "nbf": now,
            "sub": format!("system:serviceaccount:{}:{}", key.namespace, key.name),
        });
        let header = BASE64.encode(json!({"alg": "RS256", "kid": "pilothouse"}).to_string());
        let claims = BASE64.encode(claims.to_string());
        let signature = sign(&header, &claims);
        format!("{header}.{claims}.{signature}")
    }

    fn impersonate(&self, user: &User, other: &str, request: &Request) -> Result<User, Status> {
        let mut groups: Vec<String> =
            request.headers.iter().filter(|(name, _)| name == "impersonate-group").map(|(_, g)| g.clone()).collect();
        let account = service_account(other);
        let mut asked = match account {
            Some((namespace, name)) => vec![("serviceaccounts", namespace.to_string(), name.to_string())],
            None => vec![("users", String::new(), other.to_string())],
        };
        asked.extend(groups.iter().map(|group| ("groups", String::new(), group.clone())));
        for (plural, namespace, name) in asked {
            let resource =
                Resource { plural: lasting(plural), group: "", ..*Kind::ServiceAccount.resource().expect("built in") };
            let attributes = Attributes::on(&resource, "impersonate", &namespace, &name);
            self.authorize(user, &attributes)?;
        }
        if let Some((namespace, _)) = account.filter(|_| groups.is_empty()) {
            groups = account_groups(namespace);
        }
        if other == ANONYMOUS {
            groups.push(UNAUTHENTICATED.into());
        } else if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.into());
        }
        Ok(User { name: other.into(), groups, ..User::default() })
    }
}

/// The three words of the resources that impersonation asks for.
fn lasting(plural: &str) -> &'static str {
    match plural {
        "serviceaccounts" => "serviceaccounts",
        "groups" => "groups",
        _ => "users",
    }
}

fn sign(header: &str, claims: &str) -> String {
    let hash = api::meta::hash::fnv32a(header.bytes().chain(claims.bytes()));
    BASE64.encode(format!("simulated{hash:08x}"))
}

pub(super) fn unauthorized() -> Status {
    Status::failure(401, "Unauthorized", "Unauthorized")
}
