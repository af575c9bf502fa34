//! The formats of names, keys and numbers, with the sentences that explain a breach.
//!
//! Mirrors: apimachinery/pkg/util/validation, apimachinery/pkg/api/validate/content,
//! apimachinery/pkg/api/validation/path. Each check returns every breach; none means valid.

/// What is wrong with a value, one sentence each.
pub type Breaches = Vec<String>;

const LABEL_FMT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_FMT: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const KEY_FMT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_TEXT: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// `msg (e.g. 'a',  or 'b', regex used for validation is 'fmt')`, with upstream's double space.
pub fn regex_text(msg: &str, format: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{msg} (regex used for validation is '{format}')");
    }
    let list: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{msg} (e.g. {}regex used for validation is '{format}')", list.join(" or "))
}

pub fn max_characters(max: usize) -> String {
    format!("must be no more than {max} characters")
}

fn max_bytes(max: usize) -> String {
    format!("must be no more than {max} bytes")
}

/// `must be between 1 and 65535, inclusive`
pub fn range_text(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

fn is_lower_alnum(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn matches_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.iter().all(|b| is_lower_alnum(*b) || *b == b'-')
        && bytes.first().is_some_and(|b| is_lower_alnum(*b))
        && bytes.last().is_some_and(|b| is_lower_alnum(*b))
}

fn matches_subdomain(text: &str) -> bool {
    text.split('.').all(matches_label)
}

fn matches_key(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// RFC 1123 label: namespaces, containers, volumes.
pub fn dns1123_label(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 63 {
        breaches.push(max_characters(63));
    }
    if !matches_label(text) {
        breaches.push(if matches_subdomain(text) {
            "must not contain dots".into()
        } else {
            regex_text(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL_FMT,
                &["my-name", "123-abc"],
            )
        });
    }
    breaches
}

/// RFC 1123 subdomain: the name of most objects.
pub fn dns1123_subdomain(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 253 {
        breaches.push(max_characters(253));
    }
    if !matches_subdomain(text) {
        breaches.push(regex_text(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN_FMT,
            &["example.com"],
        ));
    }
    breaches
}

/// `*.example.com`: hosts of Ingress rules.
pub fn wildcard_dns1123_subdomain(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 253 {
        breaches.push(max_characters(253));
    }
    if !text.strip_prefix("*.").is_some_and(matches_subdomain) {
        breaches.push(regex_text(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!(r"\*\.{SUBDOMAIN_FMT}"),
            &["*.example.com"],
        ));
    }
    breaches
}

/// RFC 1035 label: starts with a letter.
pub fn dns1035_label(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 63 {
        breaches.push(max_characters(63));
    }
    if !(matches_label(text) && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)) {
        breaches.push(regex_text(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    breaches
}

/// Keys of labels, annotations, taints and resources: `name` or `example.com/name`.
pub fn qualified_name(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    let name = match text.split_once('/') {
        None => text,
        Some((prefix, name)) if !name.contains('/') => {
            if prefix.is_empty() {
                breaches.push("prefix part must be non-empty".into());
            } else {
                breaches.extend(dns1123_subdomain(prefix).into_iter().map(|text| format!("prefix part {text}")));
            }
            name
        }
        _ => {
            let rule = regex_text(KEY_TEXT, KEY_FMT, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "a valid label key {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        breaches.push("name part must be non-empty".into());
    } else if name.len() > 63 {
        breaches.push(format!("name part {}", max_bytes(63)));
    }
    if !matches_key(name) {
        breaches.push(format!("name part {}", regex_text(KEY_TEXT, KEY_FMT, &["MyName", "my.name", "123-abc"])));
    }
    breaches
}

pub fn label_value(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 63 {
        breaches.push(max_bytes(63));
    }
    if !(text.is_empty() || matches_key(text)) {
        breaches.push(regex_text(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &format!("({KEY_FMT})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    breaches
}

/// Names of container and service ports.
pub fn port_name(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    let bytes = text.as_bytes();
    if bytes.len() > 15 {
        breaches.push(max_characters(15));
    }
    if bytes.is_empty() || !bytes.iter().all(|b| is_lower_alnum(*b) || *b == b'-') {
        breaches.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !bytes.iter().any(u8::is_ascii_lowercase) {
        breaches.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        breaches.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        breaches.push("must not begin or end with a hyphen".into());
    }
    breaches
}

pub fn port_number(port: i64) -> Breaches {
    if (1..=65535).contains(&port) { Vec::new() } else { vec![range_text(1, 65535)] }
}

/// User and group numbers.
pub fn user_id(id: i64) -> Breaches {
    if (0..=i64::from(i32::MAX)).contains(&id) { Vec::new() } else { vec![range_text(0, i64::from(i32::MAX))] }
}

/// Environment variables; nearly everything printable is allowed since v1.32.
pub fn env_var_name(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.is_empty() {
        breaches.push("environment variable name must be non-empty".into());
    }
    if !text.chars().all(|c| (' '..='~').contains(&c) && c != '=') {
        breaches.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".into(),
        );
    }
    breaches
}

/// What would be a step in a path, where the name becomes a file's.
fn path_like(text: &str) -> Option<String> {
    match text {
        "." => Some("must not be '.'".into()),
        ".." => Some("must not be '..'".into()),
        _ if text.starts_with("..") => Some("must not start with '..'".into()),
        _ => None,
    }
}

/// Environment variables as kubectl takes them, which is more careful than the server.
pub fn strict_env_var_name(text: &str) -> Breaches {
    let head = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b"-._".contains(&b));
    let mut breaches = Vec::new();
    if !head || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        breaches.push(regex_text(
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
            "[-._a-zA-Z][-._a-zA-Z0-9]*",
            &["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
        ));
    }
    breaches.extend(path_like(text));
    breaches
}

/// Keys of ConfigMaps and Secrets.
pub fn config_map_key(text: &str) -> Breaches {
    let mut breaches = Vec::new();
    if text.len() > 253 {
        breaches.push(max_characters(253));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        breaches.push(regex_text(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    breaches.extend(path_like(text));
    breaches
}

pub fn http_header_name(text: &str) -> Breaches {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Vec::new();
    }
    vec![regex_text(
        "a valid HTTP header must consist of alphanumeric characters or '-'",
        "[-A-Za-z0-9]+",
        &["X-Header-Name"],
    )]
}

pub fn percent(text: &str) -> Breaches {
    let digits = text.strip_suffix('%').unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    vec![regex_text(
        "a valid percent string must be a numeric string followed by an ending '%'",
        "[0-9]+%",
        &["1%", "93%"],
    )]
}

/// What a URL path segment may not hold: the names of RBAC objects.
pub fn path_segment(text: &str) -> Breaches {
    match text {
        "." | ".." => return vec![format!("may not be '{text}'")],
        _ => {}
    }
    ["/", "%"].into_iter().filter(|bad| text.contains(bad)).map(|bad| format!("may not contain '{bad}'")).collect()
}

/// A base name with something to be appended: a trailing dash is fine there.
pub fn as_prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(base) if !base.is_empty() => format!("{base}a"),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_hold() {
        assert!(dns1123_subdomain("a.b-c.d0").is_empty());
        assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns1123_label("Team.A"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(label_value(&"a".repeat(64)), ["must be no more than 63 bytes"]);
        assert!(qualified_name("example.com/Na_me.x").is_empty() && !qualified_name("-bad").is_empty());
        assert_eq!(env_var_name("1=2").len(), 1);
        assert_eq!(config_map_key("..x"), ["must not start with '..'"]);
        assert_eq!(port_name("web_port"), ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]);
    }
}
