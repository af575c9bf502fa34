//! `IntOrString`: a number, or a percentage of one.
//!
//! Mirrors: apimachinery/pkg/util/intstr.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The percentage of `"25%"`, if it is one.
pub fn percent(value: &IntOrString) -> Option<i32> {
    match value {
        IntOrString::Int(_) => None,
        IntOrString::String(text) => {
            let digits = text.strip_suffix('%')?;
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            digits.parse().ok()
        }
    }
}

/// The number, or the percentage of `total` rounded up (surge) or down (unavailable).
/// `None` for a text that is no percentage.
pub fn scaled(value: &IntOrString, total: i32, round_up: bool) -> Option<i32> {
    match value {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(_) => {
            let product = i64::from(percent(value)?) * i64::from(total);
            let share = if round_up {
                product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0)
            } else {
                product.div_euclid(100)
            };
            Some(share.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
        }
    }
}

/// The number itself, 0 for texts.
pub fn int_value(value: &IntOrString) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => text.parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_scale_up_or_down() {
        let quarter = IntOrString::String("25%".into());
        assert_eq!(scaled(&quarter, 3, true), Some(1));
        assert_eq!(scaled(&quarter, 3, false), Some(0));
        assert_eq!(scaled(&quarter, 8, true), Some(2));
        assert_eq!(scaled(&IntOrString::Int(4), 8, true), Some(4));
        assert_eq!(scaled(&IntOrString::String("lots".into()), 8, true), None);
    }
}
