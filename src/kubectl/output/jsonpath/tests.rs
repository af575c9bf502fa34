//! Templates and what they print, as kubectl does.

use serde_json::{Value, json};

use super::Path;

fn pods() -> Value {
    json!({"items": [
        {"metadata": {"name": "a", "labels": {"rank": "2", "app.kubernetes.io/name": "x"}}, "spec": {"containers": [{"image": "nginx"}, {"image": "pause"}], "n": 3}},
        {"metadata": {"name": "b", "labels": {"rank": "1"}}, "spec": {"containers": [{"image": "busybox"}]}},
    ]})
}

#[test]
fn templates_print() {
    for (template, expected) in [
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}", "a"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[0:1].metadata.name}", "a"),
        ("{.items[*].spec.containers[*].image}", "nginx pause busybox"),
        (
            "{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.containers[*].image}{\"\\n\"}{end}",
            "a\tnginx pause\nb\tbusybox\n",
        ),
        ("{range .items[*]}{range .spec.containers[*]}{.image},{end};{end}", "nginx,pause,;busybox,;"),
        ("{.items[?(@.metadata.labels.rank==\"1\")].metadata.name}", "b"),
        ("{.items[?(@.spec.n)].metadata.name}", "a"),
        ("{.items[?(@.spec.n>2)].metadata.name}", "a"),
        ("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"),
        ("{.items[0].metadata['name']}", "a"),
        ("{.items[0].metadata['name','labels']}", "a {\"app.kubernetes.io/name\":\"x\",\"rank\":\"2\"}"),
        ("{.items[0].spec.n}", "3"),
        ("{..image}", "nginx pause busybox"),
        ("{.items[0].spec.nope}", ""),
        ("name={.items[0].metadata.name}!", "name=a!"),
        (".metadata.name", ".metadata.name"),
        ("{.items[5:5]}", ""),
    ] {
        let path = Path::parse(template).unwrap();
        assert_eq!(path.print(&pods(), true, false).unwrap(), expected, "{template}");
    }
}

#[test]
fn what_cannot_be_evaluated_says_why() {
    for (template, why) in [
        ("{.items[5].x}", "array index out of bounds: index 5, length 2"),
        ("{.items[0].metadata[0]}", "map[string]interface {} is not array or slice"),
        ("{end}", "not in range, nothing to end"),
        ("{nope}", "unrecognized identifier nope"),
    ] {
        assert_eq!(Path::parse(template).unwrap().print(&pods(), true, false).unwrap_err(), why);
    }
    assert_eq!(Path::parse("{.a}").unwrap().print(&pods(), false, false).unwrap_err(), "a is not found");
}

#[test]
fn what_cannot_be_parsed_says_why() {
    for (template, why) in [
        ("{.spec", "unclosed action"),
        ("{.items[", "unterminated array"),
        ("{.items[x]}", "invalid array index x"),
        ("{\"a}", "unterminated quoted string"),
        ("{(}", "unrecognized character in action: U+0028 '('"),
    ] {
        assert_eq!(Path::parse(template).unwrap_err(), why);
    }
}
