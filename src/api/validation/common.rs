//! The checks that every kind's validation is made of.
//!
//! Mirrors: apimachinery/pkg/api/validation/generic.go, pkg/apis/core/validation helpers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use crate::meta::int_or_string;
use crate::meta::names::{self, Breaches};

pub(super) const IMMUTABLE: &str = "field is immutable";
pub(super) const NEGATIVE: &str = "must be greater than or equal to 0";

/// One `Invalid` per breach of a format.
pub(super) fn invalid_each(path: &Path, value: &str, breaches: Breaches, errors: &mut ErrorList) {
    errors.extend(breaches.into_iter().map(|text| FieldError::invalid(path, value, text)));
}

/// A text that must be there.
pub(super) fn required(text: &str, path: &Path, errors: &mut ErrorList) {
    if text.is_empty() {
        errors.push(FieldError::required(path, ""));
    }
}

pub(super) fn nonnegative(value: impl Into<i64>, path: &Path, errors: &mut ErrorList) {
    let value = value.into();
    if value < 0 {
        errors.push(FieldError::invalid(path, value, NEGATIVE));
    }
}

/// Checks the number if it is given.
pub(super) fn nonnegative_if<N: Into<i64> + Copy>(value: Option<N>, path: &Path, errors: &mut ErrorList) {
    if let Some(value) = value {
        nonnegative(value, path, errors);
    }
}

pub(super) fn immutable<'v, T: PartialEq>(new: &'v T, old: &T, path: &Path, errors: &mut ErrorList)
where
    GoValue: From<&'v T>,
{
    if new != old {
        errors.push(FieldError::invalid(path, new, IMMUTABLE));
    }
}

/// As [`immutable`], for values that need a word on how they print.
pub(super) fn immutable_as<T: PartialEq>(
    new: &T,
    old: &T,
    print: impl FnOnce(&T) -> GoValue,
    path: &Path,
    errors: &mut ErrorList,
) {
    if new != old {
        errors.push(FieldError::invalid(path, print(new), IMMUTABLE));
    }
}

pub(super) fn labels(labels: Option<&BTreeMap<String, String>>, path: &Path, errors: &mut ErrorList) {
    for (key, value) in labels.into_iter().flatten() {
        label_name(key, path, errors);
        invalid_each(path, value, names::label_value(value), errors);
    }
}

pub(super) fn label_name(key: &str, path: &Path, errors: &mut ErrorList) {
    invalid_each(path, key, names::qualified_name(key), errors);
}

pub(super) fn label_selector(selector: Option<&LabelSelector>, path: &Path, errors: &mut ErrorList) {
    let Some(selector) = selector else { return };
    labels(selector.match_labels.as_ref(), &path.child("matchLabels"), errors);
    for (i, expression) in selector.match_expressions.iter().flatten().enumerate() {
        label_requirement(expression, &path.child("matchExpressions").index(i), errors);
    }
}

fn label_requirement(requirement: &LabelSelectorRequirement, path: &Path, errors: &mut ErrorList) {
    let values = requirement.values.as_deref().unwrap_or_default();
    selector_values(&requirement.operator, values, path, errors);
    label_name(&requirement.key, &path.child("key"), errors);
    for (i, value) in values.iter().enumerate() {
        invalid_each(&path.child("values").index(i), value, names::label_value(value), errors);
    }
}

/// How many values an operator wants. Node selectors have two more operators of their own.
pub(super) fn selector_values(operator: &str, values: &[String], path: &Path, errors: &mut ErrorList) {
    match operator {
        "In" | "NotIn" if values.is_empty() => errors
            .push(FieldError::required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")),
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            &path.child("values"),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => errors.push(FieldError::invalid(&path.child("operator"), operator, "not a valid selector operator")),
    }
}

/// A selector that nobody wrote: neither labels nor expressions, not even empty ones.
pub(super) fn is_missing(selector: &LabelSelector) -> bool {
    selector.match_labels.is_none() && selector.match_expressions.is_none()
}

/// A selector without conditions.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

/// A port by number or by name.
pub(super) fn port(port: &IntOrString, path: &Path, errors: &mut ErrorList) {
    match port {
        IntOrString::Int(number) => {
            for text in names::port_number(i64::from(*number)) {
                errors.push(FieldError::invalid(path, *number, text));
            }
        }
        IntOrString::String(name) => invalid_each(path, name, names::port_name(name), errors),
    }
}

pub(super) fn port_number(number: i32, path: &Path, errors: &mut ErrorList) {
    errors
        .extend(names::port_number(i64::from(number)).into_iter().map(|text| FieldError::invalid(path, number, text)));
}

/// A count or a percentage, neither negative.
pub(super) fn count_or_percent(value: &IntOrString, path: &Path, errors: &mut ErrorList) {
    match value {
        IntOrString::Int(number) => nonnegative(*number, path, errors),
        IntOrString::String(text) => invalid_each(path, text, names::percent(text), errors),
    }
}

pub(super) fn at_most_100_percent(value: &IntOrString, path: &Path, errors: &mut ErrorList) {
    if int_or_string::percent(value).is_some_and(|percent| percent > 100) {
        errors.push(FieldError::invalid(path, value, "must not be greater than 100%"));
    }
}

/// Whether it is `0` or `"0%"`.
pub(super) fn is_zero(value: Option<&IntOrString>) -> bool {
    match value {
        None => true,
        Some(IntOrString::Int(number)) => *number == 0,
        Some(value @ IntOrString::String(_)) => int_or_string::percent(value) == Some(0),
    }
}

/// An address, where leading zeros and IPv4-mapped IPv6 are tolerated as upstream does.
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let octets: Vec<u8> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let octets: [u8; 4] = octets.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(octets)))
    })
}

pub(super) fn ip(text: &str, path: &Path, errors: &mut ErrorList) {
    if parse_ip(text).is_none() {
        errors.push(FieldError::invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
}

pub(super) fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let max = match parse_ip(address) {
            Some(IpAddr::V4(_)) => 32,
            Some(IpAddr::V6(_)) => 128,
            None => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= max)
    })
}

pub(super) fn cidr(text: &str, path: &Path, errors: &mut ErrorList) {
    if !is_cidr(text) {
        errors.push(FieldError::invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
    }
}

/// One word of a closed list. `sorted` in the order upstream prints.
pub(super) fn one_of(value: &str, supported: &[&str], path: &Path, errors: &mut ErrorList) {
    if !supported.contains(&value) {
        errors.push(FieldError::not_supported(path, value, supported));
    }
}

/// As [`one_of`], where nothing at all is a missing value.
pub(super) fn required_one_of(value: Option<&str>, supported: &[&str], path: &Path, errors: &mut ErrorList) {
    match value.unwrap_or_default() {
        "" => errors.push(FieldError::required(path, "")),
        value => one_of(value, supported, path, errors),
    }
}
