//! Bodies in protobuf: kubectl's typed commands (`create deployment`, `auth can-i`, `drain`) send nothing else.
//!
//! They become the JSON that Go would have written, and the engine never knows. What a field is,
//! the schema says; `protobuf/v1_36.numbers` adds its number: a message a line, then `1name`, and
//! `2+message` for a struct whose fields stand in the JSON object around it.
//! Mirrors: apimachinery/pkg/runtime/serializer/protobuf. Left out: answers in protobuf: whoever asks for it
//! gets JSON, and reads it (but for custom resources, 406 as upstream); bodies that are
//! CustomResourceDefinitions, 415 here (clients send JSON), as custom resources are upstream; fields newer
//! than the table, skipped as unknown.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use api::Status;
use api::schema::{Shape, Type, for_api_version, for_type};
use api::wire::{Body, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

pub const MEDIA: &str = "application/vnd.kubernetes.protobuf";
/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Scalars that Go keeps behind a pointer: their zero was meant. Any other zero is an unset field,
/// which protobuf writes and JSON leaves out.
const POINTERS: &[&str] = &[
    "activeDeadlineSeconds",
    "allocateLoadBalancerNodePorts",
    "allowPrivilegeEscalation",
    "appProtocol",
    "automountServiceAccountToken",
    "averageUtilization",
    "backoffLimit",
    "backoffLimitPerIndex",
    "blockOwnerDeletion",
    "completions",
    "controller",
    "defaultMode",
    "deletionGracePeriodSeconds",
    "enableServiceLinks",
    "expirationSeconds",
    "failedJobsHistoryLimit",
    "fsGroup",
    "gracePeriodSeconds",
    "hostUsers",
    "immutable",
    "ingressClassName",
    "maxFailedIndexes",
    "maxSurge",
    "maxUnavailable",
    "minAvailable",
    "minReplicas",
    "mode",
    "optional",
    "orphanDependents",
    "parallelism",
    "partition",
    "preemptionPolicy",
    "priority",
    "privileged",
    "progressDeadlineSeconds",
    "readOnlyRootFilesystem",
    "replicas",
    "revisionHistoryLimit",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "runtimeClassName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "stabilizationWindowSeconds",
    "startingDeadlineSeconds",
    "storageClassName",
    "successfulJobsHistoryLimit",
    "suspend",
    "terminationGracePeriodSeconds",
    "timeZone",
    "tolerationSeconds",
    "ttlSecondsAfterFinished",
    "volumeMode",
];

/// Message, then number, then what is there.
static NUMBERS: LazyLock<BTreeMap<&str, BTreeMap<u64, Slot>>> = LazyLock::new(|| {
    let messages = include_str!("protobuf/v1_36.numbers").lines().map(|line| {
        let mut words = line.split(' ');
        let slots = |word: &'static str| {
            let digits = word.bytes().take_while(u8::is_ascii_digit).count();
            let (number, name) = word.split_at(digits);
            let slot = name.strip_prefix('+').map_or(Slot::Field(name), Slot::Inline);
            (number.parse().expect("the table begins its words with numbers"), slot)
        };
        (words.next().unwrap_or_default(), words.map(slots).collect())
    });
    messages.collect()
});

enum Slot {
    Field(&'static str),
    /// A message whose fields belong to the object around it.
    Inline(&'static str),
}

/// The bytes are no protobuf.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

/// Turns a protobuf body into JSON. A kind without a table is left as it came, for the engine to refuse.
///
/// # Errors
/// 400 for bytes that are not what the header says.
pub fn rewrite(request: &mut Request) -> Result<(), Status> {
    let is_media = |text: &str| text.split(';').next().unwrap_or_default().trim() == MEDIA;
    let (Some(true), Body::Bytes(bytes)) = (request.header("content-type").map(is_media), &request.body) else {
        return Ok(());
    };
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let text = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
        return Err(Status::bad_request(text));
    };
    let read = object(rest).map_err(|Malformed| Status::bad_request("the protobuf message is malformed"))?;
    if let Some(value) = read {
        request.body = Body::Json(value.into());
        for (_, media) in request.headers.iter_mut().filter(|(name, _)| name == "content-type") {
            *media = "application/json".into();
        }
    }
    Ok(())
}

/// The envelope: apiVersion and kind, then the object in bytes. `None` for a kind without a table.
fn object(bytes: &[u8]) -> Result<Option<Value>, Malformed> {
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, value) => api_version = value.text()?,
                        (2, value) => kind = value.text()?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let found = match kind.as_str() {
        // Said in the version of whatever is deleted.
        "DeleteOptions" => for_type("meta/v1.DeleteOptions"),
        _ => for_api_version(&api_version, &kind),
    };
    let Some(found) = found.filter(|found| NUMBERS.contains_key(found.name)) else { return Ok(None) };
    let mut map = Map::new();
    message(found.name, found, raw, &mut map)?;
    map.insert("apiVersion".into(), api_version.into());
    map.insert("kind".into(), kind.into());
    Ok(Some(Value::Object(map)))
}

/// Reads the fields of a message into an object of `kind`.
fn message(name: &str, kind: &'static Type, bytes: &[u8], out: &mut Map<String, Value>) -> Result<(), Malformed> {
    let slots = NUMBERS.get(name);
    for field in Fields(bytes) {
        let (number, wire) = field?;
        let field = match slots.and_then(|slots| slots.get(&number)) {
            None => continue,
            Some(Slot::Inline(inner)) => {
                message(inner, kind, wire.bytes()?, out)?;
                continue;
            }
            Some(Slot::Field(name)) => kind.field(name),
        };
        let Some(field) = field else { continue };
        match &field.shape {
            Shape::List(inner) => {
                let item = single(inner, &wire)?;
                if let Value::Array(items) = out.entry(field.name).or_insert_with(|| json!([])) {
                    items.push(item);
                }
            }
            Shape::Map(inner) => {
                let (key, item) = entry(inner, wire.bytes()?)?;
                if let Value::Object(items) = out.entry(field.name).or_insert_with(|| json!({})) {
                    items.insert(key, item);
                }
            }
            shape => {
                let value = single(shape, &wire)?;
                if field.always || !is_unset(&value) || (POINTERS.contains(&field.name) && !value.is_null()) {
                    out.insert(field.name.into(), value);
                }
            }
        }
    }
    Ok(())
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// A pair of a map.
fn entry(shape: &'static Shape, bytes: &[u8]) -> Result<(String, Value), Malformed> {
    let (mut key, mut value) = (String::new(), None);
    for field in Fields(bytes) {
        match field? {
            (1, wire) => key = wire.text()?,
            (2, wire) => value = Some(single(shape, &wire)?),
            _ => {}
        }
    }
    // A value that is not there is its type's zero: no bytes.
    Ok((key, value.map_or_else(|| single(shape, &Wire::Bytes(&[])), Ok)?))
}

fn single(shape: &'static Shape, wire: &Wire) -> Result<Value, Malformed> {
    Ok(match shape {
        Shape::String => wire.text()?.into(),
        Shape::Int32 | Shape::Int64 => wire.number()?.into(),
        Shape::Bool => (wire.number()? != 0).into(),
        Shape::Float => match wire {
            Wire::Fixed64(bits) => json!(f64::from_bits(*bits)),
            _ => return Err(Malformed),
        },
        Shape::Bytes => BASE64.encode(wire.bytes()?).into(),
        Shape::Quantity => first(wire.bytes()?, 1)?.map_or(Ok(String::new()), |wire| wire.text())?.into(),
        Shape::IntOrString => {
            let bytes = wire.bytes()?;
            let number = |at| first(bytes, at)?.map_or(Ok(0), |wire| wire.number());
            match number(1)? {
                0 => number(2)?.into(),
                _ => first(bytes, 3)?.map_or(Ok(String::new()), |wire| wire.text())?.into(),
            }
        }
        // No bytes are no time.
        Shape::Time | Shape::MicroTime if wire.bytes()?.is_empty() => Value::Null,
        Shape::Time | Shape::MicroTime => {
            let number = |at| first(wire.bytes()?, at)?.map_or(Ok(0), |wire| wire.number());
            let millis = number(1)?.saturating_mul(1_000).saturating_add(number(2)? / 1_000_000);
            match shape {
                Shape::MicroTime => api::meta::time::rfc3339_micro(millis).into(),
                _ => api::meta::time::rfc3339(millis).into(),
            }
        }
        // JSON in an envelope.
        Shape::Any => match first(wire.bytes()?, 1)? {
            Some(raw) => serde_json::from_slice(raw.bytes()?).map_err(|_| Malformed)?,
            None => Value::Null,
        },
        // A list in an envelope: what a map holds must be one message.
        Shape::List(inner) => {
            let mut items = Vec::new();
            for field in Fields(wire.bytes()?) {
                if let (1, wire) = field? {
                    items.push(single(inner, &wire)?);
                }
            }
            items.into()
        }
        Shape::Map(_) => return Err(Malformed),
        Shape::Object(_) => {
            let kind = shape.object().ok_or(Malformed)?;
            let mut map = Map::new();
            message(kind.name, kind, wire.bytes()?, &mut map)?;
            map.into()
        }
    })
}

/// The field of this number, if the message has it.
fn first(bytes: &[u8], wanted: u64) -> Result<Option<Wire<'_>>, Malformed> {
    for field in Fields(bytes) {
        let (number, wire) = field?;
        if number == wanted {
            return Ok(Some(wire));
        }
    }
    Ok(None)
}

/// A value as the wire types tell it.
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(&self) -> Result<&'a [u8], Malformed> {
        if let Wire::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    fn text(&self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Malformed)
    }

    /// Negative numbers are written as large ones.
    fn number(&self) -> Result<i64, Malformed> {
        if let Wire::Varint(number) = self { Ok(number.cast_signed()) } else { Err(Malformed) }
    }
}

/// The fields of a message in order; it ends after what cannot be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            5 => {
                self.take(4)?;
                Wire::Fixed32
            }
            _ => return None,
        };
        Some((tag >> 3, wire))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
