//! OpenAPI v2 in protobuf: kubectl takes it in no other form.
//!
//! Mirrors: gnostic-models/openapiv2 (`OpenAPIv2.proto`), by its field numbers. Left out: what no
//! document here has, such as headers, examples, security and references of paths.

use api::wire::{Body, Request, Response};
use serde_json::{Map, Value};

/// With `@v1.0` or `.v1.0` behind it, as old and new clients write it.
const MEDIA: &str = "application/com.github.proto-openapi.spec.v2";

/// Whether a request wants the document in protobuf.
pub fn is_wanted(request: &Request) -> bool {
    request.path == "/openapi/v2" && request.header("accept").is_some_and(|accept| accept.contains(MEDIA))
}

/// The same answer, in protobuf.
pub fn rewrite(response: Response) -> Response {
    let Body::Json(document) = &response.body else { return response };
    let content_type = ("content-type".to_owned(), format!("{MEDIA}.v1.0+protobuf"));
    Response { headers: vec![content_type], body: Body::Bytes(self::document(document).0), ..response }
}

/// A message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &Value) {
        if let Some(text) = text.as_str() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn yes(&mut self, field: u64, value: &Value) {
        if value == &Value::Bool(true) {
            self.varint(field << 3);
            self.varint(1);
        }
    }

    fn part(&mut self, field: u64, part: Self) {
        self.bytes(field, &part.0);
    }

    /// A list of names and what they name.
    fn named(&mut self, field: u64, map: &Value, value: impl Fn(&Value) -> Self) {
        for (name, item) in map.as_object().into_iter().flatten() {
            let mut pair = Self::default();
            pair.bytes(1, name.as_bytes());
            pair.part(2, value(item));
            self.part(field, pair);
        }
    }

    /// `x-…`, whose values are YAML, and so is JSON.
    fn extensions(&mut self, field: u64, map: &Value) {
        let all = map.as_object().into_iter().flatten();
        let kept: Map<String, Value> =
            all.filter(|(name, _)| name.starts_with("x-")).map(|(name, value)| (name.clone(), value.clone())).collect();
        self.named(field, &Value::Object(kept), any);
    }
}

/// Wraps a message where the schema has one of several.
fn within(field: u64, part: Message) -> Message {
    let mut message = Message::default();
    message.part(field, part);
    message
}

fn any(value: &Value) -> Message {
    let mut message = Message::default();
    message.bytes(2, format!("{value}\n").as_bytes());
    message
}

fn document(value: &Value) -> Message {
    let mut info = Message::default();
    info.text(1, &value["info"]["title"]);
    info.text(2, &value["info"]["version"]);
    let (mut paths, mut definitions) = (Message::default(), Message::default());
    paths.named(2, &value["paths"], path);
    definitions.named(1, &value["definitions"], schema);
    let mut message = Message::default();
    message.text(1, &value["swagger"]);
    message.part(2, info);
    message.part(8, paths);
    message.part(9, definitions);
    message
}

fn path(value: &Value) -> Message {
    let mut message = Message::default();
    for (field, method) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
        if value[method].is_object() {
            message.part(field, operation(&value[method]));
        }
    }
    message
}

fn operation(value: &Value) -> Message {
    let mut message = Message::default();
    for parameter in value["parameters"].as_array().into_iter().flatten() {
        message.part(8, within(1, self::parameter(parameter)));
    }
    let mut responses = Message::default();
    responses.named(1, &value["responses"], |response| {
        let mut message = Message::default();
        message.text(1, &response["description"]);
        message.part(2, within(1, schema(&response["schema"])));
        within(1, message)
    });
    message.part(9, responses);
    message.extensions(13, value);
    message
}

fn parameter(value: &Value) -> Message {
    let mut message = Message::default();
    if value["in"] == "body" {
        message.text(2, &value["name"]);
        message.text(3, &value["in"]);
        message.yes(4, &value["required"]);
        message.part(5, schema(&value["schema"]));
        return within(1, message);
    }
    message.text(2, &value["in"]);
    message.text(4, &value["name"]);
    message.text(6, &value["type"]);
    within(2, within(3, message))
}

fn schema(value: &Value) -> Message {
    let mut message = Message::default();
    message.text(1, &value["$ref"]);
    message.text(2, &value["format"]);
    message.text(4, &value["description"]);
    message.text(13, &value["pattern"]);
    for name in value["required"].as_array().into_iter().flatten() {
        message.text(19, name);
    }
    for word in value["enum"].as_array().into_iter().flatten() {
        message.part(20, any(word));
    }
    match &value["additionalProperties"] {
        Value::Object(_) => message.part(21, within(1, schema(&value["additionalProperties"]))),
        Value::Bool(true) => {
            let mut yes = Message::default();
            yes.yes(2, &Value::Bool(true));
            message.part(21, yes);
        }
        _ => {}
    }
    if value["type"].is_string() {
        let mut kind = Message::default();
        kind.text(1, &value["type"]);
        message.part(22, kind);
    }
    if value["items"].is_object() {
        message.part(23, within(1, schema(&value["items"])));
    }
    if value["properties"].is_object() {
        let mut properties = Message::default();
        properties.named(1, &value["properties"], schema);
        message.part(25, properties);
    }
    message.extensions(31, value);
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Bytes as the schema's own compiler writes them.
    #[test]
    fn fields_have_the_numbers_of_the_schema() {
        let written = document(&json!({
            "swagger": "2.0",
            "info": { "title": "K", "version": "1" },
            "paths": {},
            "definitions": { "A": { "type": "array", "items": { "$ref": "#/B" }, "x-y": true } },
        }));
        let expected = [
            b"\x0a\x032.0".as_slice(),
            b"\x12\x06\x0a\x01K\x12\x011",
            b"\x42\x00",
            b"\x4a\x2c\x0a\x2a\x0a\x01A\x12\x25",
            b"\xb2\x01\x07\x0a\x05array",
            b"\xba\x01\x07\x0a\x05\x0a\x03#/B",
            b"\xfa\x01\x0e\x0a\x03x-y\x12\x07\x12\x05true\n",
        ]
        .concat();
        assert_eq!(written.0, expected);
    }
}
