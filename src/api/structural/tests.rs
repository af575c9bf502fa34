//! Tables: what a schema makes of an object.

use serde_json::{Value, json};

use super::{default, prune, validate, validate_update};

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }, "x-kubernetes-validations": [
            {"rule": "self.size < 5 || self.color == 'blue'", "message": "big ones are blue"},
            {"rule": "self.size >= oldSelf.size"},
        ]},
    }})
}

fn said(spec: Value) -> String {
    let mut object = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {}, "spec": spec});
    prune(&schema(), &mut object);
    default(&schema(), &mut object);
    let errors = validate(&schema(), &object, None);
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn each_breach_has_its_words() {
    let unchecked = "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    let table = [
        (json!({"size": 2}), String::new()),
        (json!({"size": 7}), "spec: Invalid value: big ones are blue".into()),
        (json!({"size": 7, "color": "blue"}), String::new()),
        (json!({"size": 1, "tags": ["x", "x"]}), "spec.tags[1]: Duplicate value: \"x\"".into()),
        (
            json!({"color": "green"}),
            format!(
                "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"; spec.size: Required value; {unchecked}"
            ),
        ),
        (
            json!({"size": "2"}),
            format!(
                "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"; {unchecked}"
            ),
        ),
        (
            json!({"size": 10, "color": "blue"}),
            "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9".into(),
        ),
        (
            json!({"size": 1, "name": "Bad"}),
            "spec.name: Invalid value: \"Bad\": spec.name in body should match '^[a-z]+$'".into(),
        ),
        (
            json!({"size": 1, "name": "toolong"}),
            format!("spec.name: Too long: may not be more than 5 bytes; {unchecked}"),
        ),
    ];
    for (spec, expected) in table {
        assert_eq!(said(spec.clone()), expected, "{spec}");
    }
}

#[test]
fn pruning_names_what_goes_and_keeps_what_is_free() {
    let mut object = json!({"kind": "W", "other": 1, "spec": {"extra": {"a": 1}, "free": {"any": [1]}, "size": 1}});
    assert_eq!(prune(&schema(), &mut object), ["other", "spec.extra"]);
    assert_eq!(object, json!({"kind": "W", "spec": {"free": {"any": [1]}, "size": 1}}));
}

#[test]
fn rules_about_change_need_a_before_and_old_breaches_may_stay() {
    let (old, new) = (json!({"spec": {"size": 3, "color": "red"}}), json!({"spec": {"size": 2, "color": "red"}}));
    let errors = validate_update(&schema(), &new, &old);
    assert_eq!(errors[0].to_string(), "spec: Invalid value: failed rule: self.size >= oldSelf.size");
    let (old, new) = (json!({"spec": {"size": 0, "color": "red"}}), json!({"spec": {"size": 0, "color": "blue"}}));
    assert!(validate_update(&schema(), &new, &old).is_empty(), "an untouched breach is tolerated");
}

#[test]
fn rules_speak_cel() {
    let object = json!({"spec": {"list": [1, 2, 3], "names": ["a", "bb"], "map": {"k": "v"}, "text": "Hello"}});
    for (rule, expected) in [
        ("self.spec.list.all(x, x > 0) && size(self.spec.list) == 3", true),
        ("self.spec.list.exists(x, x == 4)", false),
        ("has(self.spec.missing) || 'k' in self.spec.map", true),
        ("self.spec.missing == 1 || true", true),
        ("self.spec.names.map(n, n.size()).sum() == 3", true),
        ("self.spec.text.matches('^H.*o$') ? self.spec.map['k'] == 'v' : false", true),
        ("-1 + 2 * 3 == 5 && 7 % 4 == 3 && !(1.5 > 2)", true),
        ("self.spec.list.filter(x, x > 1) == [2, 3]", true),
    ] {
        let schema = json!({"x-kubernetes-validations": [{"rule": rule}]});
        assert_eq!(validate(&schema, &object, None).is_empty(), expected, "{rule}");
    }
}

#[test]
fn rules_that_go_too_deep_or_too_far_are_stopped() {
    let object = json!({"spec": {"list": vec![1; 2_000]}});
    let said = |rule: &str| {
        let schema = json!({"x-kubernetes-validations": [{"rule": rule}, {"rule": "false"}]});
        let errors = validate(&schema, &object, None);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let deep = format!("{}true{}", "(".repeat(300), ")".repeat(300));
    for rule in [deep, format!("{}true", "!".repeat(300)), format!("{}1 > 0", "1 + ".repeat(300))] {
        let why = "compilation failed: expression recursion limit exceeded: 100";
        assert_eq!(
            said(&rule),
            format!("[]: Invalid value: {why} evaluating rule: {rule}; []: Invalid value: failed rule: false")
        );
    }
    assert_eq!(said(&format!("{}true", "true && ".repeat(300))), "[]: Invalid value: failed rule: false");
    // The rules behind the one that costs too much are not even tried.
    let far = "self.spec.list.all(x, self.spec.list.all(y, x + y > 0))";
    let why = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule";
    assert_eq!(said(far), format!("[]: Invalid value: {why}: {far}"));
}

#[test]
fn one_element_decides_whatever_cannot_be_said_of_the_others() {
    let object = json!({"spec": {"list": [{"a": 1}, {}, {"a": 2}]}});
    for (rule, expected) in [
        ("!self.spec.list.all(x, x.a == 1)", ""),
        ("self.spec.list.exists(x, x.a == 2)", ""),
        (
            "self.spec.list.exists(x, x.a == 3)",
            "[]: Invalid value: no such key: a evaluating rule: self.spec.list.exists(x, x.a == 3)",
        ),
    ] {
        let schema = json!({"x-kubernetes-validations": [{"rule": rule}]});
        let errors: Vec<String> = validate(&schema, &object, None).iter().map(ToString::to_string).collect();
        assert_eq!(errors.join("; "), expected, "{rule}");
    }
}
