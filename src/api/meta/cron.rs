//! Cron schedules: parsed with the complaints of the library upstream uses, and asked for their next time.
//!
//! Mirrors: github.com/robfig/cron v3 `ParseStandard`, `SpecSchedule.Next`. Times are UTC; [`super::zone`] knows others.

/// When something is due: one bit per allowed minute, hour, day, month and weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    Fields {
        minute: u64,
        hour: u64,
        day: u64,
        month: u64,
        weekday: u64,
        day_is_star: bool,
        weekday_is_star: bool,
    },
    /// `@every 1h30m`, in seconds.
    Every(i64),
}

struct Bounds {
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds = Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const DAY_MS: i64 = 86_400_000;

impl Schedule {
    /// Reads `*/5 * * * *` or `@hourly`.
    ///
    /// # Errors
    /// The library's sentence, which the API server shows as it is.
    pub fn parse(spec: &str) -> Result<Self, String> {
        if spec.is_empty() {
            return Err("empty spec string".into());
        }
        if spec.starts_with('@') {
            return descriptor(spec);
        }
        let fields: Vec<&str> = spec.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
        };
        let (minute, _) = field(minute, &MINUTES)?;
        let (hour, _) = field(hour, &HOURS)?;
        let (day, day_is_star) = field(day, &DAYS)?;
        let (month, _) = field(month, &MONTHS)?;
        let (weekday, weekday_is_star) = field(weekday, &WEEKDAYS)?;
        Ok(Self::Fields { minute, hour, day, month, weekday, day_is_star, weekday_is_star })
    }

    /// The first time after that moment, both in milliseconds since 1970; none within five years.
    pub fn next_after(&self, unix_ms: i64) -> Option<i64> {
        match *self {
            Self::Every(seconds) => Some((unix_ms.div_euclid(1000) + seconds) * 1000),
            Self::Fields { minute, hour, .. } => {
                let start = (unix_ms.div_euclid(60_000) + 1) * 60_000;
                let first_day = start.div_euclid(DAY_MS);
                (first_day..first_day + 5 * 366).filter(|day| self.is_due_on(*day)).find_map(|day| {
                    let from = if day == first_day { start.rem_euclid(DAY_MS) / 60_000 } else { 0 };
                    (from..24 * 60)
                        .find(|at| hour >> (at / 60) & 1 == 1 && minute >> (at % 60) & 1 == 1)
                        .map(|at| day * DAY_MS + at * 60_000)
                })
            }
        }
    }

    /// Day of month and weekday both count when neither is a star: either will do.
    fn is_due_on(&self, days_since_1970: i64) -> bool {
        let Self::Fields { day, month, weekday, day_is_star, weekday_is_star, .. } = *self else { return true };
        let (month_of_year, day_of_month) = civil(days_since_1970);
        // The first of January 1970 was a Thursday.
        let day_of_week = (days_since_1970 + 4).rem_euclid(7);
        if month >> month_of_year & 1 == 0 {
            return false;
        }
        let by_day = day >> day_of_month & 1 == 1;
        let by_weekday = weekday >> day_of_week & 1 == 1;
        if day_is_star || weekday_is_star { by_day && by_weekday } else { by_day || by_weekday }
    }
}

/// Month and day of a count of days, by the civil calendar.
fn civil(days_since_1970: i64) -> (u32, u32) {
    let shifted = days_since_1970 + 719_468;
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (month as u32, day as u32)
}

fn descriptor(spec: &str) -> Result<Schedule, String> {
    let fields = match spec {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => {
            let Some(text) = spec.strip_prefix("@every ") else {
                return Err(format!("unrecognized descriptor: {spec}"));
            };
            let seconds = go_duration_seconds(text)
                .ok_or_else(|| format!("failed to parse duration {spec}: time: invalid duration {text:?}"))?;
            return Ok(Schedule::Every(seconds.max(1)));
        }
    };
    Schedule::parse(fields)
}

/// `1h30m` in whole seconds.
fn go_duration_seconds(text: &str) -> Option<i64> {
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, scale) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
            .into_iter()
            .find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        seconds += number * scale;
    }
    (!text.is_empty()).then_some(seconds as i64)
}

/// The allowed values as bits, and whether the field was a star.
fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let mut bits = 0;
    let mut star = false;
    for expression in text.split(',').filter(|part| !part.is_empty()) {
        let (range, is_star) = range(expression, bounds)?;
        bits |= range;
        star |= is_star;
    }
    Ok((bits, star))
}

fn range(expression: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let range_and_step: Vec<&str> = expression.split('/').collect();
    let low_and_high: Vec<&str> = range_and_step[0].split('-').collect();
    let single = low_and_high.len() == 1;
    let mut star = false;
    let (start, mut end) = if matches!(low_and_high[0], "*" | "?") {
        star = true;
        (bounds.min, bounds.max)
    } else {
        let start = int_or_name(low_and_high[0], bounds)?;
        match low_and_high.len() {
            1 => (start, start),
            2 => (start, int_or_name(low_and_high[1], bounds)?),
            _ => return Err(format!("too many hyphens: {expression}")),
        }
    };
    let step = match range_and_step.len() {
        1 => 1,
        2 => {
            let step = number(range_and_step[1])?;
            // `5/15` runs from 5 to the end.
            if single {
                end = bounds.max;
            }
            if step > 1 {
                star = false;
            }
            step
        }
        _ => return Err(format!("too many slashes: {expression}")),
    };
    if start < bounds.min {
        return Err(format!("beginning of range ({start}) below minimum ({}): {expression}", bounds.min));
    }
    if end > bounds.max {
        return Err(format!("end of range ({end}) above maximum ({}): {expression}", bounds.max));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {expression}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {expression}"));
    }
    Ok(((start..=end).step_by(step as usize).fold(0, |bits, value| bits | 1 << value), star))
}

fn int_or_name(text: &str, bounds: &Bounds) -> Result<u32, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(at) => Ok(at as u32 + bounds.min),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u32, String> {
    match text.parse::<i64>() {
        Ok(value) if value < 0 => Err(format!("negative number ({value}) not allowed: {text}")),
        Ok(value) => Ok(u32::try_from(value).unwrap_or(u32::MAX)),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::time::{parse_rfc3339, rfc3339};

    #[test]
    fn schedules_are_due_when_they_say() {
        for (spec, after, next) in [
            ("*/1 * * * *", "2026-01-02T03:04:05Z", "2026-01-02T03:05:00Z"),
            ("0 3 1 1 *", "2026-01-02T03:04:05Z", "2027-01-01T03:00:00Z"),
            ("30 4 * * mon", "2026-01-02T03:04:05Z", "2026-01-05T04:30:00Z"),
            ("0 0 29 2 *", "2026-01-02T03:04:05Z", "2028-02-29T00:00:00Z"),
            ("@hourly", "2026-01-02T03:00:00Z", "2026-01-02T04:00:00Z"),
            ("@every 90s", "2026-01-02T03:00:00Z", "2026-01-02T03:01:30Z"),
            ("0 0 13 * fri", "2026-01-02T03:00:00Z", "2026-01-09T00:00:00Z"),
        ] {
            let after = parse_rfc3339(after).expect("a time");
            let due = Schedule::parse(spec).expect("a schedule").next_after(after).expect("due");
            assert_eq!(rfc3339(due), next, "{spec}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (spec, text) in [
            ("x", "expected exactly 5 fields, found 1: [x]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("@often", "unrecognized descriptor: @often"),
        ] {
            assert_eq!(Schedule::parse(spec), Err(text.to_string()), "{spec}");
        }
    }
}
