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
                let equals = plain(equals);
                if ko {
                    format!("{word}({})의 개수: {equals}", what.join(", "))
                } else {
                    format!("number of {word}s with {}: {equals}", what.join(", "))
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
                    format!("{kind}/{name}에 이벤트 {reason}")
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

/// `phase Running`, `restarts >= 1`.
fn wish(field: &str, value: &serde_json::Value, ko: bool) -> String {
    let value = plain(value);
    match (field, value.as_str()) {
        ("uid", "unchanged") => if ko { "UID 그대로" } else { "same UID" }.into(),
        ("uid", "changed") => if ko { "새 UID" } else { "a new UID" }.into(),
        ("node", "") => if ko { "노드 없음" } else { "no node" }.into(),
        _ => format!("{field} {value}"),
    }
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
