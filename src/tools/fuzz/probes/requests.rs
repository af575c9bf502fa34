//! Requests: patches with many steps, queries, paths.

use super::*;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "JSON patch: ten thousand operations at most",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!("[{}]", listed(n, |i| format!(r#"{{"op":"add","path":"/data/k{i}","value":"v"}}"#))),
            )
        },
    },
    Probe {
        name: "JSON patch: in front of a long list",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            patched(
                &format!("{PODS}/p"),
                "application/json-patch+json",
                format!(
                    "[{}]",
                    listed(n, |_| r#"{"op":"move","from":"/spec/containers/0","path":"/spec/containers/-"}"#.into())
                ),
            )
        },
    },
    Probe {
        name: "JSON patch: copies of copies",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!("[{}]", listed(n, |i| format!(r#"{{"op":"copy","from":"/data","path":"/data/c{i}"}}"#))),
            )
        },
    },
    Probe {
        name: "JSON patch: tests of all",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            let tests = listed(n, |_| r#"{"op":"test","path":"/data/key-0","value":"v"}"#.into());
            patched(&format!("{MAPS}/m"), "application/json-patch+json", format!("[{tests}]"))
        },
    },
    Probe {
        name: "JSON patch: a long path",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/json-patch+json",
                format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(n / 2)),
            )
        },
    },
    Probe {
        name: "merge patch: all keys away",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/merge-patch+json",
                format!(r#"{{"data":{{{}}}}}"#, listed(n, |i| format!(r#""key-{i}":null"#))),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            strategic(
                &format!("{PODS}/p"),
                format!(
                    r#"{{"spec":{{"containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"name":"c{i}","image":"j"}}"#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers in another order",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            strategic(
                &format!("{PODS}/p"),
                format!(
                    r#"{{"spec":{{"$setElementOrder/containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"name":"c{}"}}"#, 9_999_999 - i))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: thousands of containers away",
        before: |n| json_to(PODS, pod_of(n)),
        asks: |n| {
            strategic(
                &format!("{PODS}/p"),
                format!(
                    r#"{{"spec":{{"containers":[{}]}}}}"#,
                    listed(n, |i| format!(r#"{{"$patch":"delete","name":"c{i}"}}"#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: finalizers away",
        before: |n| {
            json_to(
                MAPS,
                format!(r#"{{"metadata":{{"name":"m","finalizers":[{}]}}}}"#, listed(n, |i| format!(r#""a.b/f{i}""#))),
            )
        },
        asks: |n| {
            strategic(
                &format!("{MAPS}/m"),
                format!(
                    r#"{{"metadata":{{"$deleteFromPrimitiveList/finalizers":[{}]}}}}"#,
                    listed(n, |i| format!(r#""a.b/f{i}""#))
                ),
            )
        },
    },
    Probe {
        name: "strategic patch: keys to keep",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            strategic(
                &format!("{MAPS}/m"),
                format!(r#"{{"data":{{"$retainKeys":[{}]}}}}"#, listed(n, |i| format!(r#""key-{i}""#))),
            )
        },
    },
    Probe {
        name: "apply: thousands of keys that are somebody else's",
        before: |n| json_to(MAPS, map_of(n)),
        asks: |n| {
            let other = map_of(n).replace(r#":"v""#, r#":"w""#);
            let mut asks = patched(&format!("{MAPS}/m"), "application/apply-patch+yaml", other.clone());
            let mut force = send(Method::Patch, &format!("{MAPS}/m"), "application/apply-patch+yaml", other);
            force.query.push(("force".into(), "true".into()));
            asks.push(force);
            asks.extend(patched(&format!("{MAPS}/m"), "application/apply-patch+yaml", map_of(64)));
            asks
        },
    },
    Probe {
        name: "managedFields: thousands of entries",
        before: nothing,
        asks: |n| {
            json_to(
                MAPS,
                format!(
                    r#"{{"metadata":{{"name":"m","managedFields":[{}]}}}}"#,
                    listed(n, |i| format!(
                        r#"{{"manager":"m{i}","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{"f:a{i}":{{}}}}}}}}"#
                    ))
                ),
            )
        },
    },
    Probe {
        name: "managedFields: thousands of entries put in",
        before: |_| json_to(MAPS, map_of(64)),
        asks: |n| {
            patched(
                &format!("{MAPS}/m"),
                "application/merge-patch+json",
                format!(
                    r#"{{"metadata":{{"managedFields":[{}]}}}}"#,
                    listed(n, |i| format!(
                        r#"{{"manager":"m{i}","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{"f:a{i}":{{}}}}}}}}"#
                    ))
                ),
            )
        },
    },
    Probe {
        name: "query: a label selector with thousands of values",
        before: nothing,
        asks: |n| {
            vec![Request::get("/api/v1/pods").with_query(
                "labelSelector",
                format!(
                    "a in ({}),b notin ({})",
                    listed(n / 2, |i| format!("v{i}")),
                    listed(n / 2, |i| format!("v{i}"))
                ),
            )]
        },
    },
    Probe {
        name: "query: a label selector with thousands of terms",
        before: nothing,
        asks: |n| vec![Request::get("/api/v1/pods").with_query("labelSelector", listed(n, |i| format!("k{i}!=v")))],
    },
    Probe {
        name: "query: a field selector with thousands of terms",
        before: nothing,
        asks: |n| {
            vec![Request::get("/api/v1/pods").with_query("fieldSelector", listed(n, |_| "spec.nodeName!=x".into()))]
        },
    },
    Probe {
        name: "query: many parameters",
        before: nothing,
        asks: |n| vec![(0..n / 12).fold(Request::get("/api/v1/pods"), |r, i| r.with_query(&format!("p{i}"), "1"))],
    },
    Probe {
        name: "path: long",
        before: nothing,
        asks: |n| {
            vec![
                Request::get("/a".repeat(n / 2)),
                Request::get(format!("/api/v1/namespaces/default/pods/{}", "a".repeat(n))),
            ]
        },
    },
    Probe { name: "path: many slashes", before: nothing, asks: |n| vec![Request::get("/".repeat(n))] },
    Probe {
        name: "a continue token",
        before: nothing,
        asks: |n| vec![Request::get("/api/v1/pods").with_query("continue", "eyJ2".repeat(n / 4))],
    },
];
