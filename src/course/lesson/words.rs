//! The sentences of checks in both languages: what must hold, and what the cluster says instead.

use super::check::Clause;
use super::format::Locale;

/// Why a clause does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    Missing,
    StillThere,
    Field { name: String, found: String },
    SameUid,
    OtherUid,
    Counted(String),
    AllThere,
    NoEvent,
    NoAnswer,
    Runs,
    Stands,
}

impl Clause {
    /// What must hold, as a line of the checklist.
    pub fn title(&self, locale: Locale) -> String {
        let ko = locale == Locale::Ko;
        match self {
            Clause::Object { word, name, fields, .. } if fields.is_empty() => {
                if ko {
                    format!("{word}/{name} 있음")
                } else {
                    format!("{word}/{name} exists")
                }
            }
            Clause::Object { word, name, fields, .. } => {
                let wanted: Vec<String> = fields.iter().map(|(field, value)| wish(field, value, ko)).collect();
                format!("{word}/{name}: {}", wanted.join(", "))
            }
            Clause::Absent { word, name, .. } => {
                if ko {
                    format!("{word}/{name} 없음")
                } else {
                    format!("{word}/{name} is gone")
                }
            }
            Clause::Count { word, selector, fields, equals, .. } => {
                let mut what: Vec<String> = Vec::new();
                if !selector.is_empty() {
                    what.push(selector.clone());
                }
                what.extend(fields.iter().map(|(field, value)| wish(field, value, ko)));
                let count = comparison(equals, ko);
                if ko {
                    format!("{}인 {word}: {count}", what.join(", "))
                } else {
                    format!("{word}s with {}: {count}", what.join(", "))
                }
            }
            Clause::Gone { word, selector, .. } => {
                if ko {
                    format!("{selector}인 {word} 하나가 사라짐")
                } else {
                    format!("one of the {word}s with {selector} is gone")
                }
            }
            Clause::Event { kind, name, reason, .. } => {
                if ko {
                    format!("{kind}/{name}에 {reason} 이벤트")
                } else {
                    format!("event {reason} on {kind}/{name}")
                }
            }
            Clause::Response { message } => {
                if ko {
                    format!("마지막 응답: “{message}”")
                } else {
                    format!("the last answer says “{message}”")
                }
            }
            Clause::Component { name, running: true } => {
                if ko {
                    format!("{name} 실행 중")
                } else {
                    format!("{name} runs")
                }
            }
            Clause::Component { name, running: false } => {
                if ko {
                    format!("{name} 멈춤")
                } else {
                    format!("{name} is stopped")
                }
            }
        }
    }
}

impl Gap {
    /// What the cluster says now, after the title.
    pub fn sentence(&self, locale: Locale) -> String {
        let ko = locale == Locale::Ko;
        match self {
            Gap::Missing => if ko { "아직 없어요" } else { "there is none yet" }.into(),
            Gap::StillThere => if ko { "아직 있어요" } else { "it is still there" }.into(),
            Gap::Field { name, found } if found.is_empty() => {
                if ko {
                    format!("{name}: 비어 있어요")
                } else {
                    format!("{name} is empty")
                }
            }
            Gap::Field { name, found } => {
                if ko {
                    format!("지금 {name}: {found}")
                } else {
                    format!("{name} is {found} now")
                }
            }
            Gap::SameUid => if ko { "UID가 그대로예요" } else { "the UID is the same as before" }.into(),
            Gap::OtherUid => if ko { "UID가 달라졌어요" } else { "the UID is another one" }.into(),
            Gap::Counted(count) => {
                if ko {
                    format!("지금 {count}개")
                } else {
                    format!("{count} now")
                }
            }
            Gap::AllThere => if ko { "모두 그대로 있어요" } else { "all of them are still there" }.into(),
            Gap::NoEvent => if ko { "아직 없는 이벤트예요" } else { "no such event yet" }.into(),
            Gap::NoAnswer => if ko { "아직 그런 응답이 없어요" } else { "no such answer yet" }.into(),
            Gap::Runs => if ko { "실행 중이에요" } else { "it runs" }.into(),
            Gap::Stands => if ko { "멈춰 있어요" } else { "it is stopped" }.into(),
        }
    }
}

/// `phase Running`, `restarts at least 1`.
fn wish(field: &str, value: &serde_json::Value, ko: bool) -> String {
    let text = plain(value);
    let not = text.strip_prefix("!=").map(str::trim);
    match (field, text.as_str()) {
        ("uid", "unchanged") => if ko { "UID 그대로" } else { "same UID" }.into(),
        ("uid", "changed") => if ko { "새 UID" } else { "a new UID" }.into(),
        ("terminating", "true") => if ko { "종료 중" } else { "terminating" }.into(),
        ("terminating", "false") => if ko { "종료 중 아님" } else { "not terminating" }.into(),
        ("node", "") => if ko { "노드 없음" } else { "no node" }.into(),
        ("node", _) if not == Some("") => if ko { "노드가 정해짐" } else { "a node is chosen" }.into(),
        (_, "") => {
            if ko {
                format!("{field} 없음")
            } else {
                format!("no {field}")
            }
        }
        _ if not == Some("") => {
            if ko {
                format!("{field} 있음")
            } else {
                format!("has a {field}")
            }
        }
        _ => format!("{field} {}", comparison(value, ko)),
    }
}

/// A wanted value in words: `>= 1` is "at least 1".
fn comparison(value: &serde_json::Value, ko: bool) -> String {
    let text = plain(value);
    for (sign, en, korean) in [
        (">=", "at least {}", "{} 이상"),
        ("<=", "at most {}", "{} 이하"),
        (">", "more than {}", "{} 초과"),
        ("<", "fewer than {}", "{} 미만"),
        ("!=", "not {}", "{} 아님"),
        ("in [", "one of {}", "{} 중 하나"),
        // A part of a longer value: the part is what the learner looks for.
        ("~", "{}", "{}"),
    ] {
        if let Some(rest) = text.strip_prefix(sign) {
            let rest = rest.trim().trim_end_matches(']');
            return if ko { korean } else { en }.replace("{}", rest);
        }
    }
    text
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Clause, serde_json::Error> {
        serde_json::from_value(api::yaml::parse_document(yaml).unwrap().to_json())
    }

    #[test]
    fn a_check_reads_as_a_sentence() {
        for (clause, en, ko) in [
            ("pod: default/web\nnode: '!='", "pod/web: a node is chosen", "pod/web: 노드가 정해짐"),
            ("pod: oven\nrestarts: '>= 3'", "pod/oven: restarts at least 3", "pod/oven: restarts 3 이상"),
            ("event: { on: pod/oven, reason: BackOff }", "event BackOff on pod/oven", "pod/oven에 BackOff 이벤트"),
            ("node: w\ntaint: '~ unreachable'", "node/w: taint unreachable", "node/w: taint unreachable"),
            (
                "count: { kind: pod, selector: app=web, node: '!= w', terminating: 'true', equals: '< 2' }",
                "pods with app=web, node not w, terminating: fewer than 2",
                "app=web, node w 아님, 종료 중인 pod: 2 미만",
            ),
        ] {
            let clause = read(clause).unwrap();
            assert_eq!((clause.title(Locale::En), clause.title(Locale::Ko)), (en.into(), ko.into()));
        }
    }

    #[test]
    fn a_check_that_cannot_fail_is_refused() {
        for clause in
            ["event: { reason: BackOff }", "count: { kind: pod, selector: 'a in', equals: 1 }", "gone: { kind: pd }"]
        {
            assert!(read(clause).is_err(), "{clause}");
        }
    }
}
