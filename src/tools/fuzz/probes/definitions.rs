//! Definitions: schemas, patterns and rules of custom resources, and what reviews them.

use super::*;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "definition: depth",
        before: nothing,
        asks: |n| {
            json_to(
                DEFINITIONS,
                definition(&json!("@")).to_string().replace(
                    "\"@\"",
                    &nested(n, r#"{"type":"object","properties":{"a":"#, "}}").replace(r#""a":}}"#, r#""a":{}}}"#),
                ),
            )
        },
    },
    Probe {
        name: "definition: many properties, and a thing with them",
        before: nothing,
        asks: |n| {
            let properties = listed(n, |i| format!(r#""k{i}":{{"type":"string"}}"#));
            let schema = format!(r#"{{"type":"object","properties":{{{properties}}}}}"#);
            let mut asks = json_to(DEFINITIONS, definition(&json!("@")).to_string().replace("\"@\"", &schema));
            asks.extend(json_to(THINGS, thing(&format!("{{{}}}", listed(n, |i| format!(r#""k{i}":"v""#))))));
            asks
        },
    },
    Probe {
        name: "definition: many versions",
        before: nothing,
        asks: |n| {
            let mut all = definition(&json!({"type": "object"}));
            all["spec"]["versions"] = json!("@");
            let versions = listed(n, |i| {
                format!(
                    r#"{{"name":"v{i}","served":true,"storage":{},"schema":{{"openAPIV3Schema":{{"type":"object"}}}}}}"#,
                    i == 0
                )
            });
            json_to(DEFINITIONS, all.to_string().replace("\"@\"", &format!("[{versions}]")))
        },
    },
    Probe {
        name: "definition: a long pattern",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "(a|b)?".repeat(n / 6)}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "ab".repeat(n.min(2048) / 2)}).to_string())),
    },
    Probe {
        name: "definition: a pattern that counts",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^((a{1,50}){1,50}){1,50}$"}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n)}).to_string())),
    },
    Probe {
        name: "definition: a pattern that could go back",
        before: |_| defined(json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})),
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n) + "!"}).to_string())),
    },
    Probe {
        name: "definition: a pattern for each of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "definition: a set of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}}),
            )
        },
        asks: |n| {
            let mut asks = json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\"")))));
            asks.extend(json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "\"v\"".into())))));
            asks
        },
    },
    Probe {
        name: "definition: a list with keys",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"], "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "string"}, "v": {"type": "integer", "default": 1}}}}}}),
            )
        },
        asks: |n| {
            let text = thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!(r#"{{"n":"v{i}"}}"#))));
            let mut asks = json_to(THINGS, text.clone());
            asks.extend(patched(
                &format!("{THINGS}/t"),
                "application/merge-patch+json",
                text.replace("\"n\"", "\"m\""),
            ));
            asks.extend(patched(&format!("{THINGS}/t"), "application/apply-patch+yaml", text));
            asks
        },
    },
    Probe {
        name: "definition: an enum of many",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "enum": (0..n / 16).map(|i| format!("v{i}")).collect::<Vec<_>>()}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "\"no\"".into())))),
    },
    Probe {
        name: "definition: anyOf of many",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": (0..n / 64).map(|i| json!({"properties": {"a": {"pattern": format!("^v{i}$")}}})).collect::<Vec<_>>()}),
            )
        },
        asks: |_| json_to(THINGS, thing(r#"{"a":"no"}"#)),
    },
    Probe {
        name: "definition: many rules",
        before: |n| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "integer"}}, "x-kubernetes-validations": (0..n / 64).map(|i| json!({"rule": format!("self.a != {}", i + 1)})).collect::<Vec<_>>()}),
            )
        },
        asks: |_| json_to(THINGS, thing(r#"{"a":0}"#)),
    },
    Probe {
        name: "rule: brackets in brackets",
        before: nothing,
        asks: |n| {
            let rule = nested(n, "(", ")").replace("()", "(true)");
            let mut asks = vec![
                Request::new(Method::Post, DEFINITIONS)
                    .with_json(definition(&json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}]}))),
            ];
            asks.extend(json_to(THINGS, thing("{}")));
            asks
        },
    },
    Probe {
        name: "rule: not not",
        before: |n| {
            defined(json!({"type": "object", "x-kubernetes-validations": [{"rule": format!("{}true", "!".repeat(n))}]}))
        },
        asks: |_| json_to(THINGS, thing("{}")),
    },
    Probe {
        name: "rule: a long sum",
        before: |n| {
            defined(
                json!({"type": "object", "x-kubernetes-validations": [{"rule": format!("{}1 > 0", "1 + ".repeat(n / 4))}]}),
            )
        },
        asks: |_| json_to(THINGS, thing("{}")),
    },
    Probe {
        name: "rule: all of all",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "x-kubernetes-validations": [{"rule": "self.a.all(x, self.a.all(y, x + y >= 0))"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |_| "1".into())))),
    },
    Probe {
        name: "rule: all in all",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}, "x-kubernetes-validations": [{"rule": "self.a.all(x, x in self.a)"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "rule: on each of many",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string", "x-kubernetes-validations": [{"rule": "self.matches('^[a-z0-9]+$') && size(self) < 64"}]}}}}),
            )
        },
        asks: |n| json_to(THINGS, thing(&format!(r#"{{"a":[{}]}}"#, listed(n, |i| format!("\"v{i}\""))))),
    },
    Probe {
        name: "rule: one text doubled and doubled",
        before: |_| {
            defined(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations": [{"rule": "[1,2,3,4,5,6,7,8,9,10].map(x, self.a + self.a + self.a).map(y, y + y + y).all(z, (z + z + z + z).size() > 0)"}]}),
            )
        },
        asks: |n| json_to(THINGS, thing(&json!({"a": "a".repeat(n)}).to_string())),
    },
    Probe {
        name: "reviews: rules, access, tokens",
        before: nothing,
        asks: |n| {
            let long = "a".repeat(n);
            let groups: Vec<String> = (0..n / 8).map(|i| format!("g{i}")).collect();
            let review = |path: &str, spec: Value| Request::new(Method::Post, path).with_json(json!({"spec": spec}));
            vec![
                review(
                    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                    json!({"user": "u", "groups": groups, "resourceAttributes": {"verb": long, "resource": "pods"}}),
                ),
                review("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json!({"namespace": long})),
                review("/apis/authentication.k8s.io/v1/tokenreviews", json!({"token": long})),
                Request::new(Method::Post, "/api/v1/namespaces/default/serviceaccounts/default/token")
                    .with_json(json!({"spec": {"audiences": groups}})),
            ]
        },
    },
];
