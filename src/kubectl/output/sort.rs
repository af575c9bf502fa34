//! `--sort-by`: orders rows or objects by a field. Pure.
//!
//! Mirrors: kubectl/pkg/cmd/get/sorter.go.

use std::cmp::Ordering;

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
    let mut pairs: Vec<(Option<Value>, T)> = keys.into_iter().zip(items.drain(..)).collect();
    pairs.sort_by(|(a, _), (b, _)| match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(a, b),
    });
    items.extend(pairs.into_iter().map(|(_, item)| item));
    Ok(())
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => match (quantity::parse(a), quantity::parse(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => natural(a, b),
        },
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => Ordering::Equal,
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
