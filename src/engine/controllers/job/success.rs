//! `successPolicy`: which succeeded indexes are enough.
//!
//! Rules are tried in order: all of the listed indexes, or so many of them, or so many of any. Once one is met, pods
//! still at work are stopped, and the Job has succeeded.
//! Mirrors: pkg/controller/job/success_policy.go.

use api::k8s_openapi::api::batch::v1::SuccessPolicy;

use super::indexes::Indexes;

/// Which rule is met, in upstream's words.
pub fn met(policy: Option<&SuccessPolicy>, completions: i32, succeeded: &Indexes) -> Option<String> {
    if succeeded.0.is_empty() {
        return None;
    }
    let mut rules = policy?.rules.iter();
    let at = rules.position(|rule| {
        let listed = rule.succeeded_indexes.as_deref().map(|text| Indexes::parse(text, completions));
        match (listed, rule.succeeded_count) {
            (Some(listed), None) => listed.0.is_subset(&succeeded.0),
            (Some(listed), Some(count)) => listed.0.intersection(&succeeded.0).count() as i32 >= count,
            (None, Some(count)) => succeeded.total() >= count,
            (None, None) => false,
        }
    })?;
    Some(format!("Matched rules at index {at}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_count_or_name_indexes() {
        for (rules, succeeded, at) in [
            (json!([{"succeededIndexes": "0,2-3"}]), "0,2", None),
            (json!([{"succeededIndexes": "0,2-3"}]), "0-4", Some(0)),
            (json!([{"succeededCount": 2}]), "7", None),
            (json!([{"succeededCount": 2}]), "7,9", Some(0)),
            (json!([{"succeededIndexes": "0"}, {"succeededIndexes": "1-5", "succeededCount": 2}]), "1,6", None),
            (json!([{"succeededIndexes": "0"}, {"succeededIndexes": "1-5", "succeededCount": 2}]), "1,5", Some(1)),
        ] {
            let policy: SuccessPolicy = serde_json::from_value(json!({ "rules": rules })).unwrap();
            let told = met(Some(&policy), 10, &Indexes::parse(succeeded, 10));
            assert_eq!(told, at.map(|at| format!("Matched rules at index {at}")), "{policy:?} {succeeded}");
        }
    }
}
