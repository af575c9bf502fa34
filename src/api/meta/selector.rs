//! Selectors: the label and field queries of the API, parsed and matched.
//!
//! Mirrors: apimachinery/pkg/labels/selector.go, apimachinery/pkg/fields/selector.go,
//! apimachinery/pkg/apis/meta/v1/helpers.go `LabelSelectorAsSelector`.

mod fields;
mod parser;

use crate::order::Order;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

pub use fields::{FieldSelector, FieldTerm};

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// How a requirement looks at one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Equals,
    DoubleEquals,
    NotEquals,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

/// One condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    /// Sorted, without duplicates.
    pub values: Vec<String>,
}

/// A conjunction of requirements, or nothing at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Matches no object: what a missing LabelSelector means.
    Nothing,
    /// Matches objects that meet every requirement; none matches all objects.
    All(Vec<Requirement>),
}

impl Requirement {
    pub fn matches(&self, labels: Option<&Labels>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key));
        let compare = |holds: fn(i64, i64) -> bool| {
            let actual = value.and_then(|value| value.parse().ok());
            let wanted = self.values.first().and_then(|value| value.parse().ok());
            actual.zip(wanted).is_some_and(|(actual, wanted)| holds(actual, wanted))
        };
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => {
                value.is_some_and(|value| self.values.contains(value))
            }
            // A missing label is not any of the values either.
            Operator::NotIn | Operator::NotEquals => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => compare(|actual, wanted| actual > wanted),
            Operator::LessThan => compare(|actual, wanted| actual < wanted),
        }
    }
}

impl Selector {
    pub const EVERYTHING: Self = Self::All(Vec::new());

    /// Reads `app=web,tier in (a,b),!legacy`.
    ///
    /// # Errors
    /// Upstream's sentence, for a 400 or for kubectl to print.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text).map(|mut requirements| {
            requirements.order_by(|a, b| a.key.cmp(&b.key));
            Self::All(requirements)
        })
    }

    /// The selector of a spec: missing matches nothing, empty matches everything.
    pub fn from_label_selector(selector: Option<&LabelSelector>) -> Self {
        let Some(selector) = selector else { return Self::Nothing };
        let equal = selector.match_labels.iter().flatten().map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::In,
            values: vec![value.clone()],
        });
        let expressions = selector.match_expressions.iter().flatten().filter_map(requirement);
        let mut requirements: Vec<Requirement> = equal.chain(expressions).collect();
        requirements.order_by(|a, b| a.key.cmp(&b.key));
        Self::All(requirements)
    }

    /// The selector of a Service or ReplicationController: plain labels, where none select nothing.
    pub fn from_set(labels: Option<&Labels>) -> Self {
        match labels {
            Some(labels) if !labels.is_empty() => Self::All(
                labels
                    .iter()
                    .map(|(key, value)| Requirement {
                        key: key.clone(),
                        operator: Operator::In,
                        values: vec![value.clone()],
                    })
                    .collect(),
            ),
            _ => Self::Nothing,
        }
    }

    pub fn matches(&self, labels: Option<&Labels>) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(requirements) => requirements.iter().all(|requirement| requirement.matches(labels)),
        }
    }

    /// Whether it selects every object.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(requirements) if requirements.is_empty())
    }

    pub fn requirements(&self) -> &[Requirement] {
        match self {
            Self::Nothing => &[],
            Self::All(requirements) => requirements,
        }
    }
}

/// Whether a spec's selector matches these labels.
pub fn matches(selector: Option<&LabelSelector>, labels: Option<&Labels>) -> bool {
    Selector::from_label_selector(selector).matches(labels)
}

fn requirement(expression: &LabelSelectorRequirement) -> Option<Requirement> {
    let operator = match expression.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        // Validation keeps other words out of stored objects.
        _ => return None,
    };
    let mut values = expression.values.clone().unwrap_or_default();
    values.order();
    values.dedup();
    Some(Requirement { key: expression.key.clone(), operator, values })
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list: Vec<String> = self.requirements().iter().map(ToString::to_string).collect();
        f.write_str(&list.join(","))
    }
}

/// A spec's selector as kubectl prints it: `app=web,tier in (a,b)`; `<none>` when it is empty.
pub fn format_label_selector(selector: Option<&LabelSelector>) -> String {
    let text = match Selector::from_label_selector(selector) {
        Selector::Nothing => String::new(),
        Selector::All(requirements) => {
            let list: Vec<String> = requirements
                .into_iter()
                .map(|mut requirement| {
                    // Labels of matchLabels print as equations.
                    let plain = selector
                        .and_then(|s| s.match_labels.as_ref())
                        .is_some_and(|l| l.contains_key(&requirement.key));
                    if plain && requirement.operator == Operator::In && requirement.values.len() == 1 {
                        requirement.operator = Operator::Equals;
                    }
                    requirement.to_string()
                })
                .collect();
            list.join(",")
        }
    };
    if text.is_empty() { "<none>".into() } else { text }
}

/// A label selector as Go prints one (`%v` of `*metav1.LabelSelector`), for messages that quote it.
pub fn go_string(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else { return "nil".into() };
    let labels: String =
        selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}: {value},")).collect();
    let expressions: String = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|one| {
            let values = one.values.clone().unwrap_or_default().join(" ");
            format!("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{values}],}},", one.key, one.operator)
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn selectors_match_as_upstream() {
        let web = labels(&[("app", "web"), ("n", "5")]);
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app!=web", false),
            ("app in (web,db)", true),
            ("app notin (web)", false),
            ("app", true),
            ("!app", false),
            ("!tier", true),
            ("tier!=x", true),
            ("tier notin (x)", true),
            ("n>4", true),
            ("n<4", false),
            ("app=web,n=5", true),
            ("app=web,n=6", false),
            (" app = web ", true),
            ("app=", false),
            ("tier=", false),
        ] {
            assert_eq!(Selector::parse(text).expect("parses").matches(Some(&web)), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, error) in [
            ("app=(", "unable to parse requirement: found '(', expected: identifier"),
            ("app in", "unable to parse requirement: found '' expected: '('"),
            ("app in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("app=a b", "found 'b', expected: ',' or 'end of string'"),
            (
                "n>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ] {
            assert_eq!(Selector::parse(text).expect_err("a mistake"), error, "{text}");
        }
        let long = Selector::parse("app=a_").expect_err("bad value");
        assert!(
            long.starts_with(
                "unable to parse requirement: values[0][app]: Invalid value: \"a_\": a valid label must be"
            ),
            "{long}"
        );
    }

    #[test]
    fn a_missing_selector_selects_nothing() {
        assert!(!matches(None, Some(&labels(&[("a", "b")]))));
        assert!(matches(Some(&LabelSelector::default()), None));
    }
}
