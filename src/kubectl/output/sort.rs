//! `--sort-by`: orders rows or objects by a field. Pure.
//!
//! Mirrors: kubectl/pkg/cmd/get/sorter.go.

use std::cmp::Ordering;

use api::order::Order;
use serde_json::Value;

use super::jsonpath::Path;
use crate::failure::{Failure, Result};
use crate::quantity;

/// Sorts items by a field; items without it come first.
///
/// # Errors
/// A bad path, or a field that no item has.
pub fn sort<T>(items: &mut Vec<T>, field: &str, object: impl Fn(&T) -> &Value) -> Result {
    let (path, full) = Path::relaxed(field).map_err(Failure::plain)?;
    let keys: Vec<Option<Value>> = items.iter().map(|item| path.values(object(item)).into_iter().next()).collect();
    if !items.is_empty() && keys.iter().all(Option::is_none) {
        return Err(Failure::plain(format!("couldn't find any field with path {full:?} in the list of objects")));
    }
    let texts = || keys.iter().flatten().filter_map(Value::as_str);
    let amounts = texts().all(|text| quantity::parse(text).is_some());
    let mut pairs: Vec<(Option<Value>, T)> = keys.into_iter().zip(items.drain(..)).collect();
    pairs.order_by(|(a, _), (b, _)| {
        let null = Value::Null;
        compare(a.as_ref().unwrap_or(&null), b.as_ref().unwrap_or(&null), amounts)
    });
    items.extend(pairs.into_iter().map(|(_, item)| item));
    Ok(())
}

/// `amounts`: every text of the column is a quantity. Upstream asks that of each pair, which is no
/// order where a column mixes them: `1Gi`, `200x`, `3Mi` would each come before the next.
fn compare(a: &Value, b: &Value, amounts: bool) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => match (quantity::parse(a), quantity::parse(b)) {
            (Some(a), Some(b)) if amounts => a.total_cmp(&b),
            _ => natural(a, b),
        },
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// What is not there comes first; other kinds keep apart.
fn rank(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Digits compare as numbers: `web-2` before `web-10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].is_ascii_digit() && b[j].is_ascii_digit() {
            let digits = |text: &[u8], from: usize| {
                let end = text[from..].iter().position(|c| !c.is_ascii_digit()).map_or(text.len(), |n| from + n);
                let first = text[from..end].iter().position(|c| *c != b'0').map_or(end, |n| from + n);
                (first, end)
            };
            let ((a_first, a_end), (b_first, b_end)) = (digits(a, i), digits(b, j));
            let order =
                (a_end - a_first).cmp(&(b_end - b_first)).then_with(|| a[a_first..a_end].cmp(&b[b_first..b_end]));
            if order.is_ne() {
                return order;
            }
            (i, j) = (a_end, b_end);
        } else if a[i] != b[j] {
            return a[i].cmp(&b[j]);
        } else {
            i += 1;
            j += 1;
        }
    }
    (a.len() - i).cmp(&(b.len() - j))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_absent_comes_first_and_kinds_keep_apart() {
        // Many of each: only a long list shows that the order is none.
        let mut items: Vec<Value> = Vec::new();
        for number in (0..60).rev() {
            items.push(json!({"at": format!("2026-01-01T00:00:{number:02}Z")}));
            items.push(json!({"at": null}));
            items.push(json!({"at": number}));
            items.push(json!({}));
            items.push(json!({"at": format!("{number}Mi")}));
        }
        sort(&mut items, ".at", |item| item).expect("some have it");
        assert!(items[..120].iter().all(|item| item["at"].is_null()), "{:?}", &items[..121]);
        assert_eq!((&items[120]["at"], &items[179]["at"]), (&json!(0), &json!(59)));
        assert_eq!((&items[180]["at"], &items[299]["at"]), (&json!("0Mi"), &json!("2026-01-01T00:00:59Z")));
    }

    #[test]
    fn quantities_compare_as_amounts() {
        let mut items: Vec<Value> = ["1Gi", "200Mi", "3Ki"].iter().map(|text| json!({"size": text})).collect();
        sort(&mut items, "size", |item| item).expect("all have it");
        let sizes: Vec<&str> = items.iter().filter_map(|item| item["size"].as_str()).collect();
        assert_eq!(sizes, ["3Ki", "200Mi", "1Gi"]);
    }
}
