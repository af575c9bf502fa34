//! Messages by hand, and the table against the schema.

use super::*;

/// A field in bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).expect("tests are short")], bytes].concat()
}

fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn body(api_version: &str, kind: &str, raw: &[u8]) -> Request {
    let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    let bytes = [MAGIC, &field(1, &meta), &field(2, raw)].concat();
    let mut request = Request::new(api::wire::Method::Post, "/").with_header("content-type", MEDIA);
    request.body = Body::Bytes(bytes);
    request
}

fn read(api_version: &str, kind: &str, raw: &[u8]) -> Value {
    let mut request = body(api_version, kind, raw);
    rewrite(&mut request).expect("it is well formed");
    assert_eq!(request.header("content-type"), Some("application/json"));
    match request.body {
        Body::Json(value) => value.into_tree(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_row_of_the_table_names_what_the_schema_has() {
    assert!(NUMBERS.len() > 400, "{}", NUMBERS.len());
    for (name, slots) in NUMBERS.iter() {
        for slot in slots.values() {
            match slot {
                Slot::Inline(inner) => assert!(NUMBERS.contains_key(inner), "{name}: {inner}"),
                Slot::Field(field) => {
                    if let Some(kind) = for_type(name) {
                        assert!(kind.field(field).is_some(), "{name}: {field}");
                    }
                }
            }
        }
    }
}

#[test]
fn zeros_that_mean_nothing_are_left_out_and_those_that_were_meant_stay() {
    // spec.replicas is a pointer in Go, minReadySeconds is not; both are written.
    let spec = [varint(1, 0), varint(5, 0), varint(9, 0)].concat();
    let meta = [field(1, b"web"), field(3, b""), field(8, b"")].concat();
    let value = read("apps/v1", "Deployment", &[field(1, &meta), field(2, &spec), field(3, b"")].concat());
    let expected = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "replicas": 0, "progressDeadlineSeconds": 0 }, "status": {},
    });
    assert_eq!(value, expected);
}

#[test]
fn special_types_become_what_go_writes() {
    let pair = |key: &[u8], value: &[u8]| [field(1, key), field(2, value)].concat();
    assert_eq!(
        read("v1", "Secret", &[field(2, &pair(b"a", b"\xff\x00")), field(2, &field(1, b"b"))].concat())["data"],
        json!({ "a": "/wA=", "b": "" })
    );
    // A volume's source is inline in JSON, and a message of its own here.
    let volume = [field(1, b"v"), field(2, &field(2, &field(1, b"")))].concat();
    let port = [field(1, b"p"), varint(3, 80)].concat();
    let container = [field(1, b"c"), field(6, &port)].concat();
    let limits = pair(b"cpu", &field(1, b"500m"));
    let container = [container, field(8, &field(1, &limits))].concat();
    let pod = read("v1", "Pod", &field(2, &[field(1, &volume), field(2, &container)].concat()));
    assert_eq!(pod["spec"]["volumes"], json!([{ "name": "v", "emptyDir": {} }]));
    assert_eq!(pod["spec"]["containers"][0]["resources"]["limits"], json!({ "cpu": "500m" }));
    assert_eq!(pod["spec"]["containers"][0]["ports"][0]["containerPort"], 80);
    let budget =
        |wanted: Vec<u8>| read("policy/v1", "PodDisruptionBudget", &field(2, &field(1, &wanted)))["spec"].clone();
    assert_eq!(budget([varint(1, 0), varint(2, 3)].concat()), json!({ "minAvailable": 3 }));
    assert_eq!(budget([varint(1, 1), field(3, b"50%")].concat()), json!({ "minAvailable": "50%" }));
    let time = [8, 0x80, 0xf2, 0xd6, 0xca, 6];
    assert_eq!(
        read("v1", "Namespace", &field(1, &field(8, &time)))["metadata"]["creationTimestamp"],
        "2026-01-01T00:00:00Z"
    );
    let options = read("apps/v1", "DeleteOptions", &[varint(1, 0), field(4, b"Foreground")].concat());
    assert_eq!((&options["gracePeriodSeconds"], &options["propagationPolicy"]), (&json!(0), &json!("Foreground")));
}

/// Kinds with a group of their own: each has its row, or is one that nobody sends so.
#[test]
fn every_kind_that_can_be_sent_has_its_row() {
    let without: Vec<&str> = api::scheme::RESOURCES
        .iter()
        .filter(|row| row.verbs.contains(&"create"))
        .filter(|row| {
            for_api_version(&row.api_version(), row.kind_name).is_none_or(|kind| !NUMBERS.contains_key(kind.name))
        })
        .map(|row| row.kind_name)
        .collect();
    assert_eq!(without, ["CustomResourceDefinition"]);
    let patch = [field(3, &field(1, b"Object{}")), field(2, b"ApplyConfiguration")].concat();
    let spec = [field(4, &patch), field(5, b"Fail"), field(7, b"Never")].concat();
    let policy = read("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", &field(2, &spec));
    let mutations = json!([{ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression": "Object{}" } }]);
    assert_eq!(
        policy["spec"],
        json!({ "mutations": mutations, "failurePolicy": "Fail", "reinvocationPolicy": "Never" })
    );
}

#[test]
fn what_cannot_be_read_is_refused_or_left_to_the_engine() {
    for (bytes, refused) in [
        (&b"{}"[..], true),
        (b"k8s\0", false),
        (b"k8s\0\x0a\xff", true),
        (b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", true),
        (b"k8s\0\x0b\x00", true),
    ] {
        let mut request = Request::new(api::wire::Method::Post, "/").with_header("content-type", MEDIA);
        request.body = Body::Bytes(bytes.to_vec());
        assert_eq!(rewrite(&mut request).is_err(), refused, "{bytes:?}");
    }
    let mut unknown = body("example.com/v1", "Pizza", b"");
    rewrite(&mut unknown).expect("the engine says what is wrong");
    assert!(matches!(unknown.body, Body::Bytes(_)));
    for cut in 0..12 {
        let spec = [varint(1, 0), field(6, b"0123456789")].concat();
        let mut request = body("apps/v1", "Deployment", &field(2, &spec));
        if let Body::Bytes(bytes) = &mut request.body {
            bytes.truncate(bytes.len() - cut);
        }
        // Whatever it says, it says it.
        let _ = rewrite(&mut request);
    }
}
