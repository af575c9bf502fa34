//! Patches and ownership as tables; most rows are exchanges recorded from a real API server.

use std::collections::BTreeMap;

use serde_json::json;

use super::fieldset::Set;
use super::structured::{check, compare, zero};
use super::*;
use crate::schema::{self, for_kind};

fn deployment() -> Option<&'static Type> {
    for_kind("apps", "v1", "Deployment")
}

#[test]
fn json_patch_is_as_lenient_as_gos() {
    let object = json!({"data": {"k": "v"}, "list": ["a", "b"]});
    let cases = [
        (
            json!([{"op": "test", "path": "/data/k", "value": "v"}, {"op": "replace", "path": "/data/k", "value": "w"}]),
            Ok(json!({"data": {"k": "w"}, "list": ["a", "b"]})),
        ),
        (
            json!([{"op": "replace", "path": "/data/missing", "value": "x"}]),
            Ok(json!({"data": {"k": "v", "missing": "x"}, "list": ["a", "b"]})),
        ),
        (
            json!([{"op": "add", "path": "/list/-", "value": "c"}, {"op": "remove", "path": "/list/0"}]),
            Ok(json!({"data": {"k": "v"}, "list": ["b", "c"]})),
        ),
        (
            json!([{"op": "copy", "from": "/data/k", "path": "/data/a~1b"}, {"op": "move", "from": "/data/k", "path": "/data/m"}]),
            Ok(json!({"data": {"a/b": "v", "m": "v"}, "list": ["a", "b"]})),
        ),
        (json!([{"op": "remove", "path": "/data/missing"}]), Err(422)),
        (json!([{"op": "add", "path": "/missing/x", "value": 1}]), Err(422)),
        (json!([{"op": "increment", "path": "/data/k"}]), Err(422)),
        (json!([]), Ok(object.clone())),
        (json!({"op": "remove"}), Err(400)),
    ];
    for (patch, want) in cases {
        assert_eq!(json_patch(&object, &patch).map_err(|e| e.code), want, "{patch}");
    }
}

#[test]
fn json_patch_has_limits() {
    let of = |count: usize| Value::Array(vec![json!({"op": "test", "path": "/a", "value": 1}); count]);
    assert_eq!(json_patch(&json!({"a": 1}), &of(10_000)), Ok(json!({"a": 1})));
    let error = json_patch(&json!({"a": 1}), &of(10_001)).expect_err("too many");
    let text = "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001";
    assert_eq!((error.code, error.message.as_str()), (413, text));
    // Copies of copies double each time.
    let copies =
        |count: usize| (0..count).map(|i| json!({"op": "copy", "from": "", "path": format!("/c{i}")})).collect();
    assert!(json_patch(&json!({"a": "x"}), &copies(10)).is_ok());
    assert_eq!(json_patch(&json!({"a": "x"}), &copies(40)).map_err(|error| error.code), Err(422));
}

#[test]
fn strategic_merge_knows_keys_and_directives() {
    let object = json!({"metadata": {"annotations": {"a": "1", "b": "2"}, "finalizers": ["x.io/a", "x.io/b"]}, "spec": {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "template": {"spec": {"containers": [
            {"name": "c", "image": "nginx:1.27", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "ports": [{"containerPort": 80, "protocol": "TCP"}]},
            {"name": "side", "image": "busybox"}]}}}});
    let spec = |patch: Value| strategic(&object, &json!({"spec": patch}), deployment()).map(|v| v["spec"].clone());
    let containers = |patch: Value| {
        spec(json!({"template": {"spec": {"containers": patch}}})).map(|v| v["template"]["spec"]["containers"].clone())
    };
    assert_eq!(
        containers(json!([{"name": "c", "image": "nginx:1.28", "env": [{"name": "B", "$patch": "delete"}]}])),
        Ok(json!([
            {"name": "c", "image": "nginx:1.28", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80, "protocol": "TCP"}]},
            {"name": "side", "image": "busybox"}]))
    );
    assert_eq!(
        containers(
            json!([{"name": "side", "$patch": "delete"}, {"name": "c", "ports": [{"$patch": "replace"}, {"containerPort": 82}], "env": null}])
        ),
        Ok(json!([{"name": "c", "image": "nginx:1.27", "ports": [{"containerPort": 82}]}]))
    );
    assert_eq!(
        spec(json!({"template": {"spec": {"containers": [{"name": "new"}, {"name": "c", "env": null, "ports": null}], "$setElementOrder/containers": [{"name": "new"}, {"name": "c"}]}}})).map(|v| v["template"]["spec"]["containers"].clone()),
        Ok(json!([{"name": "new"}, {"name": "c", "image": "nginx:1.27"}, {"name": "side", "image": "busybox"}]))
    );
    assert_eq!(
        spec(json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}})).map(|v| v["strategy"].clone()),
        Ok(json!({"type": "Recreate"}))
    );
    let metadata =
        |patch: Value| strategic(&object, &json!({"metadata": patch}), deployment()).map(|v| v["metadata"].clone());
    assert_eq!(
        metadata(
            json!({"$deleteFromPrimitiveList/finalizers": ["x.io/a"], "finalizers": ["x.io/c"], "annotations": {"$patch": "replace", "only": "1"}})
        ),
        Ok(json!({"annotations": {"only": "1"}, "finalizers": ["x.io/c", "x.io/b"]}))
    );
    let errors = [
        (
            json!({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}),
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (json!({"spec": {"$patch": "explode"}}), "unknown patch type: explode in map: map[$patch:explode]"),
        (json!([1]), "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "9"}]}, {"name": "new", "image": "busybox:1.36"}], "$setElementOrder/containers": [{"name": "new"}, {"name": "c"}]}}}}),
            "The order in patch list:\n[map[env:[map[name:A value:9]] name:c] map[image:busybox:1.36 name:new]]\n doesn't match $setElementOrder list:\n[map[name:new] map[name:c]]\n",
        ),
    ];
    for (patch, want) in errors {
        assert_eq!(strategic(&object, &patch, deployment()).expect_err("it is wrong").message, want);
    }
}

#[test]
fn apply_sends_the_smallest_patch() {
    let config = |image: &str, env: Value| {
        json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "nginx", "image": image, "env": env}],
            "volumes": [{"name": "v", "emptyDir": {}}]}}}})
    };
    let mut live = config("nginx:1.27", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("IfNotPresent");
    live["spec"]["replicas"] = json!(5);
    let applied = config("nginx:1.27", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
    let cases = [
        (applied.clone(), json!({"spec": {"replicas": 2}})),
        (
            config("busybox:1.36", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])),
            json!({"spec": {"replicas": 2, "template": {"spec": {"$setElementOrder/containers": [{"name": "nginx"}], "containers": [{"name": "nginx", "image": "busybox:1.36"}]}}}}),
        ),
        (
            config("nginx:1.27", json!([{"name": "B", "value": "3"}])),
            json!({"spec": {"replicas": 2, "template": {"spec": {"$setElementOrder/containers": [{"name": "nginx"}],
                "containers": [{"name": "nginx", "$setElementOrder/env": [{"name": "B"}], "env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}]}]}}}}),
        ),
        (
            {
                let mut changed = applied.clone();
                changed["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "configMap": {"name": "m"}}]);
                changed["spec"]["replicas"] = json!(5);
                changed
            },
            json!({"spec": {"template": {"spec": {"$setElementOrder/volumes": [{"name": "v"}],
                "volumes": [{"name": "v", "$retainKeys": ["configMap", "name"], "configMap": {"name": "m"}, "emptyDir": null}]}}}}),
        ),
    ];
    for (modified, want) in cases {
        let patch = three_way_strategic(&applied, &modified, &live, deployment()).expect("it can be made");
        assert_eq!(patch, want);
        let result = strategic(&live, &patch, deployment()).expect("it can be applied");
        let again = three_way_strategic(&modified, &modified, &result, deployment()).expect("it can be made");
        assert_eq!(again, json!({}), "applied, nothing is left to do");
    }
}

#[test]
fn merge_patches_for_kinds_without_schema() {
    let cases = [
        (
            json!({"a": 1, "b": {"c": 1}}),
            json!({"a": 1}),
            json!({"a": 2, "b": {"c": 1}, "x": 1}),
            json!({"a": 1, "b": null}),
        ),
        (json!({}), json!({"a": {}}), json!({}), json!({"a": {}})),
        (json!({"l": [1, 2]}), json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [1]})),
    ];
    for (original, modified, current, want) in cases {
        assert_eq!(three_way_merge(&original, &modified, &current), want);
    }
}

#[test]
fn creating_owns_what_was_written() {
    let config_map = for_kind("", "v1", "ConfigMap");
    let created = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}, "metadata": {"name": "a", "uid": "u", "labels": {"l": "1"}, "finalizers": ["x.io/a"]}});
    let mut managers = Managers::default();
    managers.update(config_map, &zero(config_map), &created, &Manager::update("oracle", "v1", ""), &Set::new(), "t");
    assert_eq!(
        managers.clone().write()[0]["fieldsV1"],
        json!({"f:data": {".": {}, "f:k": {}}, "f:metadata": {"f:finalizers": {".": {}, "v:\"x.io/a\"": {}}, "f:labels": {".": {}, "f:l": {}}}})
    );
    let created = json!({"metadata": {"name": "d"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "d"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
        "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {}}], "securityContext": {}}}}, "status": {}});
    let mut managers = Managers::default();
    managers.update(
        deployment(),
        &zero(deployment()),
        &created,
        &Manager::update("m", "apps/v1", ""),
        &Set::of(&["status"]),
        "t",
    );
    assert_eq!(
        managers.clone().write()[0]["fieldsV1"],
        json!({"f:spec": {"f:replicas": {}, "f:selector": {}, "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
            "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {
                ".": {}, "f:name": {}, "f:resources": {}, "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}}}},
                "f:securityContext": {}}}}})
    );
    assert_eq!(Managers::read(&managers.clone().write()), managers);
}

/// The story of golden case `apply/conflicts.http`.
#[test]
fn appliers_share_conflict_and_drop() {
    let kind = for_kind("", "v1", "ConfigMap");
    let mut managers = Managers::default();
    let mut live = zero(kind);
    let apply = |managers: &mut Managers, live: &mut Value, name: &str, config: Value, force: bool| {
        let manager = Manager::apply(name, "v1", "");
        let result = managers.apply(kind, live, &config, &manager, &Set::new(), force, "t");
        result.map(|new| *live = new).map_err(|conflicts| conflicts.to_string())
    };
    let fields = |managers: &Managers| -> Vec<String> {
        let written = managers.clone().write();
        let entries = written.as_array().expect("it is a list");
        entries
            .iter()
            .map(|e| {
                format!(
                    "{} {} {}",
                    e["manager"].as_str().unwrap_or(""),
                    e["operation"].as_str().unwrap_or(""),
                    e["fieldsV1"]
                )
            })
            .collect()
    };
    let first = json!({"metadata": {"name": "a", "labels": {"l": "1"}}, "data": {"k": "1", "only": "one"}});
    assert_eq!(apply(&mut managers, &mut live, "one", first.clone(), false), Ok(()));
    assert_eq!(
        fields(&managers),
        ["one Apply {\"f:data\":{\"f:k\":{},\"f:only\":{}},\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}"]
    );
    let before = live.clone();
    assert_eq!(apply(&mut managers, &mut live, "one", first, false), Ok(()));
    assert_eq!(live, before);
    assert_eq!(
        apply(&mut managers, &mut live, "two", json!({"metadata": {"labels": {"l": "2"}}, "data": {"k": "2"}}), false),
        Err("Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.k\n- .metadata.labels.l".into())
    );
    assert_eq!(apply(&mut managers, &mut live, "two", json!({"data": {"k": "1", "mine": "two"}}), false), Ok(()));
    assert_eq!(apply(&mut managers, &mut live, "two", json!({"data": {"k": "2", "mine": "two"}}), true), Ok(()));
    assert_eq!(
        fields(&managers),
        [
            "one Apply {\"f:data\":{\"f:only\":{}},\"f:metadata\":{\"f:labels\":{\"f:l\":{}}}}",
            "two Apply {\"f:data\":{\"f:k\":{},\"f:mine\":{}}}"
        ]
    );
    assert_eq!(apply(&mut managers, &mut live, "one", json!({"metadata": {"name": "a"}, "data": {}}), false), Ok(()));
    assert_eq!(fields(&managers)[0], "one Apply {\"f:data\":{}}");
    assert_eq!((&live["data"], live["metadata"].get("labels")), (&json!({"k": "2", "mine": "two"}), None));
    let mut edited = live.clone();
    edited["data"]["k"] = json!("3");
    managers.update(kind, &live, &edited, &Manager::update("editor", "v1", ""), &Set::new(), "t2");
    live = edited;
    assert_eq!(
        fields(&managers)[1..],
        ["two Apply {\"f:data\":{\"f:mine\":{}}}", "editor Update {\"f:data\":{\"f:k\":{}}}"]
    );
    assert_eq!(
        apply(&mut managers, &mut live, "two", json!({"data": {"k": "2", "mine": "two"}}), false),
        Err("Apply failed with 1 conflict: conflict with \"editor\" using v1: .data.k".into())
    );
}

/// The story of golden case `apply/lists.http`.
#[test]
fn list_items_have_owners_of_their_own() {
    let kind = for_kind("", "v1", "Service");
    let mut managers = Managers::default();
    let mut live = zero(kind);
    let mut apply = |live: &mut Value, name: &str, config: Value| {
        let manager = Manager::apply(name, "v1", "");
        *live = managers.apply(kind, live, &config, &manager, &Set::of(&["status"]), false, "t").expect("no conflict");
        managers.clone().write()
    };
    apply(
        &mut live,
        "one",
        json!({"metadata": {"name": "s", "finalizers": ["x.io/a"]}, "spec": {"selector": {"app": "s"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}),
    );
    live["spec"]["ports"][0]["targetPort"] = json!(80);
    let written = apply(
        &mut live,
        "two",
        json!({"metadata": {"name": "s", "finalizers": ["x.io/b"]}, "spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}),
    );
    assert_eq!(live["metadata"]["finalizers"], json!(["x.io/a", "x.io/b"]));
    assert_eq!(
        written[1]["fieldsV1"],
        json!({"f:metadata": {"f:finalizers": {"v:\"x.io/b\"": {}}}, "f:spec": {"f:ports": {"k:{\"port\":53,\"protocol\":\"UDP\"}": {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}}}}})
    );
    let written = apply(
        &mut live,
        "one",
        json!({"metadata": {"name": "s"}, "spec": {"selector": {"app": "s"}, "ports": [{"name": "alt", "port": 8080}]}}),
    );
    assert_eq!(
        live["spec"]["ports"],
        json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "alt", "port": 8080}])
    );
    assert_eq!(live["metadata"]["finalizers"], json!(["x.io/b"]));
    assert_eq!(
        written[0]["fieldsV1"],
        json!({"f:spec": {"f:ports": {"k:{\"port\":8080,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}, "f:selector": {}}})
    );
    let twice = json!({"spec": {"ports": [{"name": "x", "port": 1, "protocol": "TCP"}, {"name": "z", "port": 1}]}});
    assert_eq!(
        check(kind.expect("it is served"), &twice),
        Err(".spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]".into())
    );
    let unknown = json!({"spec": {"prots": 1, "type": 5}});
    assert_eq!(
        check(kind.expect("it is served"), &unknown),
        Err("errors:\n  .spec.prots: field not declared in schema\n  .spec.type: expected string, got &value.valueUnstructured{Value:5}".into())
    );
}

#[test]
fn conflicts_name_list_items_by_their_keys() {
    let mut managers = Managers::default();
    let config = |image: &str| json!({"spec": {"replicas": 0, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
    let one = Manager::apply("one", "apps/v1", "");
    let live = managers.apply(deployment(), &zero(deployment()), &config("nginx:1.27"), &one, &Set::new(), false, "t");
    let mut other = config("nginx:1.28");
    other["spec"]["replicas"] = json!(1);
    let two = Manager::apply("two", "apps/v1", "");
    let refused = managers.apply(deployment(), &live.expect("it is the first"), &other, &two, &Set::new(), false, "t");
    assert_eq!(
        refused.expect_err("they differ").to_string(),
        "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.replicas\n- .spec.template.spec.containers[name=\"c\"].image"
    );
}

#[test]
fn custom_resources_are_owned_by_field_and_their_lists_as_a_whole() {
    let changes =
        compare(None, &json!({"spec": {"a": 1, "l": [1]}}), &json!({"spec": {"a": 2, "l": [1, 2], "m": {"x": 1}}}));
    assert_eq!(changes.modified, Set::of(&["spec.a", "spec.l"]));
    assert_eq!(changes.added, Set::of(&["spec.m", "spec.m.x"]));
}

/// The tree with one place after another changed in every way that could matter.
fn variants(tree: &Value) -> Vec<Value> {
    let others =
        [json!(null), json!(""), json!("0"), json!("x"), json!(0), json!(1), json!(false), json!({}), json!([])];
    let mut out = others.to_vec();
    match tree {
        Value::Object(map) => {
            for (name, inner) in map {
                let with = |inner: Option<Value>| {
                    let mut map = map.clone();
                    map.remove(name);
                    map.extend(inner.map(|inner| (name.clone(), inner)));
                    Value::Object(map)
                };
                out.extend(variants(inner).into_iter().map(|inner| with(Some(inner))));
                out.push(with(None));
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                let with = |inner: &[Value]| Value::Array([&items[..at], inner, &items[at + 1..]].concat());
                out.extend(variants(inner).iter().map(|inner| with(std::slice::from_ref(inner))));
                out.extend([with(&[]), with(&[inner.clone(), inner.clone()])]);
            }
        }
        _ => {}
    }
    out
}

#[test]
fn creators_of_objects_with_one_outline_own_the_same() {
    let outline = |kind, object: &Value| structured::outline(kind, |sink| crate::codec::write(object, sink));
    let cases = [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y"}},
            "spec": {"containers": [{"name": "a", "image": "i", "resources": {"limits": {"cpu": "1"}}, "ports": [
                {"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80}, {"containerPort": 81, "protocol": "UDP"}],
                "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}], "args": ["-v"]}],
                "tolerations": [{"key": "k"}], "nodeSelector": {"a": "b"}, "hostNetwork": false, "volumes": [],
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
            "status": {"phase": "Pending"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"finalizers": ["one", "two"], "annotations": null},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "strategy": {},
                "template": {"metadata": {"labels": {"a": "b"}, "creationTimestamp": null}, "spec": {"containers": null}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"managedFields": [{"manager": "x"}]},
            "spec": {"ports": [{"port": 1, "protocol": "UDP"}], "selector": {"a": "b"}}, "unknown": {"deep": [1, {"a": 2}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"ownerReferences": [{"uid": "1"}]}, "data": {"{}[]": ""}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "subjects": [{"kind": "User", "name": "a"}],
            "roleRef": {"apiGroup": "", "kind": "Role", "name": "r"}}),
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"list": [{}], "map": {}}}),
    ];
    for object in cases {
        let kind = schema::for_api_version(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let mut known: BTreeMap<Vec<u8>, (Value, String)> = BTreeMap::new();
        let all = variants(&object);
        for (count, variant) in all.iter().filter(|variant| variant.is_object()).enumerate() {
            let mut shown = variant.clone();
            if let Some(kind) = kind {
                schema::fill(kind, &mut shown);
            }
            let fields = Managers::created(kind, &shown, &Set::of(&["status"])).text().to_owned();
            let (first, owned) = known.entry(outline(kind, variant)).or_insert((variant.clone(), fields.clone()));
            assert_eq!(*owned, fields, "variant {count}: {variant} has the outline of {first}");
        }
        assert!(known.len() < all.len(), "{} outlines of {} variants", known.len(), all.len());
    }
    let pod = |image: &str, port: i32| json!({"spec": {"containers": [{"name": "a", "image": image, "ports": [{"containerPort": port}]}]}});
    let kind = for_kind("", "v1", "Pod");
    assert_eq!(outline(kind, &pod("one", 1)), outline(kind, &pod("two", 1)), "an image is a plain value");
    assert_ne!(outline(kind, &pod("one", 1)), outline(kind, &pod("one", 2)), "a port is a key");
}
