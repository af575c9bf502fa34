//! Requests, watches and logs over a raw socket.

use serde_json::Value;

use super::{MAPS, Raw, config_map, quick, serve};

#[test]
fn objects_are_made_and_read_over_one_connection() {
    let bridge = serve(quick());
    let mut raw = Raw::to(&bridge);
    let (status, headers, body) = raw.ask("POST", MAPS, &config_map("a", "first"));
    assert_eq!(status, 201, "{body}");
    assert!(headers.contains(&"content-type: application/json".into()), "{headers:?}");
    assert!(headers.contains(&"cache-control: no-cache, private".into()), "{headers:?}");
    let (status, _, body) = raw.ask("GET", &format!("{MAPS}?labelSelector=a%3Db,c+in+(d)"), "");
    let list: Value = serde_json::from_str(&body).expect("a list is JSON");
    assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(0)), "the selector was understood");
    let (status, _, body) = raw.ask("GET", &format!("{MAPS}/%61"), "");
    let map: Value = serde_json::from_str(&body).expect("an object is JSON");
    assert_eq!((status, &map["data"]["text"]), (200, &Value::from("first")));
    let (status, _, body) = raw.ask("GET", &format!("{MAPS}/b"), "");
    assert_eq!(status, 404);
    assert!(body.contains(r#"configmaps \"b\" not found"#), "{body}");
}

#[test]
fn a_watch_tells_line_by_line_what_happens() {
    let bridge = serve(quick());
    let mut watch = Raw::to(&bridge);
    watch.send(format!("GET {MAPS}?watch=true&fieldSelector=metadata.name%3Da HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    let (status, headers) = watch.head();
    assert_eq!(status, 200);
    assert!(headers.contains(&"transfer-encoding: chunked".into()), "{headers:?}");
    let mut raw = Raw::to(&bridge);
    for (method, path, body, event) in [
        ("POST", MAPS.to_owned(), config_map("a", "1"), "ADDED"),
        ("PUT", format!("{MAPS}/a"), config_map("a", "2"), "MODIFIED"),
        ("DELETE", format!("{MAPS}/a"), String::new(), "DELETED"),
    ] {
        assert!(raw.ask(method, &path, &body).0 < 300);
        let text = watch.chunk();
        let said: Value = serde_json::from_str(&text).expect("an event is JSON");
        assert_eq!((said["type"].as_str(), text.ends_with('\n')), (Some(event), true), "{text}");
    }
}

#[test]
fn a_watch_ends_when_its_time_is_up() {
    let bridge = serve(quick());
    let mut watch = Raw::to(&bridge);
    watch.send(format!(
        "GET {MAPS}?watch=true&labelSelector=never&timeoutSeconds=5 HTTP/1.1\r\nhost: localhost\r\n\r\n"
    ));
    assert_eq!(watch.head().0, 200);
    assert_eq!(watch.chunk(), "", "an empty chunk ends the body");
}

#[test]
fn answers_come_in_yaml_for_whoever_asks() {
    let bridge = serve(quick());
    for (accept, media) in [
        ("application/yaml", "application/yaml"),
        ("application/vnd.kubernetes.protobuf", "application/json"),
        ("application/vnd.kubernetes.protobuf,application/json", "application/json"),
    ] {
        let mut raw = Raw::to(&bridge);
        raw.send(format!("GET /api/v1/namespaces/default HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\n\r\n"));
        let (status, headers) = raw.head();
        assert_eq!(status, 200, "{accept}");
        assert!(headers.contains(&format!("content-type: {media}")), "{accept}: {headers:?}");
    }
}

#[test]
fn real_time_drives_virtual_time() {
    let bridge = serve(quick());
    let mut raw = Raw::to(&bridge);
    let body = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"nginx"}]}}"#;
    let mut watch = Raw::to(&bridge);
    watch.send("GET /api/v1/namespaces/default/pods?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(watch.head().0, 200);
    assert_eq!(raw.ask("POST", "/api/v1/namespaces/default/pods", body).0, 201);
    // Nobody asks anything meanwhile; the chunk that says so is the proof, its absence the failure.
    while !watch.chunk().contains(r#""phase":"Running""#) {}
}
