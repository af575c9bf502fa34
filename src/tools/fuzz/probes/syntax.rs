//! Syntax: what JSON and YAML may be stretched to.

use super::*;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "JSON: one long value",
        before: nothing,
        asks: |n| json_to(MAPS, json!({"metadata": {"name": "x"}, "data": {"a": "a\n".repeat(n / 4)}}).to_string()),
    },
    Probe { name: "JSON: many keys", before: nothing, asks: |n| json_to(MAPS, map_of(n)) },
    Probe {
        name: "JSON: a key many times",
        before: nothing,
        asks: |n| {
            json_to(MAPS, format!(r#"{{"metadata":{{"name":"x"}},"data":{{{}}}}}"#, listed(n, |_| r#""k":"v""#.into())))
        },
    },
    Probe {
        name: "JSON: fields nobody knows",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"metadata":{{"name":"x"}},{}}}"#, listed(n, |i| format!(r#""no{i}":1"#)))),
    },
    Probe {
        name: "JSON: depth",
        before: nothing,
        asks: |n| json_to(MAPS, format!("{{\"data\":{}}}", nested(n, "[", "]"))),
    },
    Probe { name: "JSON: depth of maps", before: nothing, asks: |n| json_to(MAPS, nested(n, "{\"a\":", "}")) },
    Probe {
        name: "JSON: escapes",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"data":{{"a":"{}"}}}}"#, "\\ud83d\\ude00".repeat(n / 12))),
    },
    Probe {
        name: "JSON: white space",
        before: nothing,
        asks: |n| json_to(MAPS, format!("{{{}}}", " \n\t".repeat(n / 3))),
    },
    Probe {
        name: "JSON: a long number",
        before: nothing,
        asks: |n| json_to(MAPS, format!(r#"{{"data":{}}}"#, "9".repeat(n))),
    },
    Probe { name: "JSON: no end", before: nothing, asks: |n| json_to(MAPS, format!(r#"{{"data":"{}"#, "x".repeat(n))) },
    Probe {
        name: "YAML: many keys",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n{}", rows(n, |i| format!("  key-{i}: v\n")))),
    },
    Probe {
        name: "YAML: a key many times",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n{}", "  k: v\n".repeat(n / 7))),
    },
    Probe {
        name: "YAML: depth in flow",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: {}", nested(n, "[", "]"))),
    },
    Probe {
        name: "YAML: flow as deep as it may be, often",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: [{}]", rows(n, |_| format!("{},", nested(240, "[", "]"))))),
    },
    Probe {
        name: "YAML: depth by indentation",
        before: nothing,
        asks: |n| {
            yaml_to(MAPS, (0..((2 * n) as f64).sqrt() as usize).map(|i| format!("{}a:\n", " ".repeat(i))).collect())
        },
    },
    Probe {
        name: "YAML: depth by dashes",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data:\n {}", "- ".repeat(n / 2))),
    },
    Probe {
        name: "YAML: aliases of aliases",
        before: nothing,
        asks: |n| {
            let line = |i: usize| format!("a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}]\n", i + 1, i + 1);
            yaml_to(MAPS, format!("a0: &a0 [x]\n{}", rows(n, line)))
        },
    },
    Probe {
        name: "YAML: one alias, often",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("a: &a {{b: c}}\ndata: [{}]", "*a, ".repeat(n / 4))),
    },
    Probe {
        name: "YAML: anchors in anchors",
        before: nothing,
        asks: |n| {
            yaml_to(
                MAPS,
                rows(n, |i| {
                    format!("x{i}: {}{}\n", (0..100).map(|d| format!("&a{d} [")).collect::<String>(), "]".repeat(100))
                }),
            )
        },
    },
    Probe {
        name: "YAML: an anchor around all",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("&a\nb: &b\n{}", rows(n, |i| format!("  k{i}: &c{i} v\n")))),
    },
    Probe {
        name: "YAML: merge keys",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("a: &a {{x: 1, y: 2}}\ndata:\n{}", "  <<: *a\n".repeat(n / 9))),
    },
    Probe {
        name: "YAML: merge keys of many",
        before: nothing,
        asks: |n| {
            yaml_to(
                MAPS,
                format!("a: &a\n{}data: {{<<: [{}]}}", rows(n / 2, |i| format!("  k{i}: v\n")), "*a, ".repeat(n / 8)),
            )
        },
    },
    Probe {
        name: "YAML: an open quote",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: \"{}", "a: b\n".repeat(n / 5))),
    },
    Probe {
        name: "YAML: a plain text over many lines",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data:\n{}", "  a b\n".repeat(n / 6))),
    },
    Probe {
        name: "YAML: a literal block",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n  a: |\n{}", "    a\n".repeat(n / 6))),
    },
    Probe {
        name: "YAML: a folded block of empty lines",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("metadata: {{name: x}}\ndata:\n  a: >\n    a{}", "\n".repeat(n))),
    },
    Probe { name: "YAML: comments", before: nothing, asks: |n| yaml_to(MAPS, "# no\n".repeat(n / 5)) },
    Probe { name: "YAML: documents", before: nothing, asks: |n| yaml_to(MAPS, "---\na: b\n".repeat(n / 9)) },
    Probe {
        name: "YAML: tags",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("data: [{}]", "!!str a, ".repeat(n / 9))),
    },
    Probe { name: "YAML: complex keys", before: nothing, asks: |n| yaml_to(MAPS, "? [a]\n: b\n".repeat(n / 10)) },
    Probe {
        name: "YAML: keys without value",
        before: nothing,
        asks: |n| yaml_to(MAPS, format!("{{{}}}", listed(n, |i| format!("k{i}")))),
    },
    Probe { name: "YAML: indicators", before: nothing, asks: |n| yaml_to(MAPS, "- - ? : ".repeat(n / 8)) },
    Probe {
        name: "a broken body of another media type",
        before: nothing,
        asks: |n| vec![send(Method::Post, MAPS, "text/plain", "x".repeat(n))],
    },
];
