//! Times and durations as the API and kubectl write them.
//!
//! Mirrors: apimachinery/pkg/apis/meta/v1 `Time`/`MicroTime`, apimachinery/pkg/util/duration,
//! Go's `time.Duration.String`. Instants are milliseconds since 1970, from the virtual clock.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

/// The API's time of that moment: whole seconds.
pub fn time_from_millis(unix_ms: i64) -> Time {
    Time(Timestamp::from_second(unix_ms.div_euclid(1000)).unwrap_or_default())
}

/// The API's precise time of that moment.
pub fn micro_time_from_millis(unix_ms: i64) -> MicroTime {
    MicroTime(Timestamp::from_millisecond(unix_ms).unwrap_or_default())
}

pub fn millis(time: &Time) -> i64 {
    time.0.as_millisecond()
}

pub fn micro_millis(time: &MicroTime) -> i64 {
    time.0.as_millisecond()
}

/// `2026-01-02T03:04:05Z`
pub fn rfc3339(unix_ms: i64) -> String {
    Timestamp::from_second(unix_ms.div_euclid(1000)).unwrap_or_default().to_string()
}

/// `2026-01-02T03:04:05.000000Z`
pub fn rfc3339_micro(unix_ms: i64) -> String {
    let seconds = rfc3339(unix_ms);
    let whole = seconds.strip_suffix('Z').unwrap_or(&seconds);
    format!("{whole}.{:06}Z", unix_ms.rem_euclid(1000) * 1000)
}

/// An RFC 3339 time with any offset, in milliseconds since 1970.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|time| time.as_millisecond())
}

/// An age as kubectl prints it: two or three significant figures, `5s`, `2m3s`, `4h12m`, `3d4h`.
pub fn human_duration(duration_ms: i64) -> String {
    let seconds = duration_ms.div_euclid(1000);
    // Clock skew of under two seconds is not worth showing.
    if seconds < -1 {
        return "<invalid>".into();
    }
    if seconds < 0 {
        return "0s".into();
    }
    if seconds < 60 * 2 {
        return format!("{seconds}s");
    }
    let minutes = seconds / 60;
    if minutes < 10 {
        return pair(minutes, "m", seconds % 60, "s");
    }
    if minutes < 60 * 3 {
        return format!("{minutes}m");
    }
    let hours = minutes / 60;
    if hours < 8 {
        return pair(hours, "h", minutes % 60, "m");
    }
    if hours < 48 {
        return format!("{hours}h");
    }
    let days = hours / 24;
    if hours < 24 * 8 {
        return pair(days, "d", hours % 24, "h");
    }
    if hours < 24 * 365 * 2 {
        return format!("{days}d");
    }
    let years = days / 365;
    if hours < 24 * 365 * 8 { pair(years, "y", days % 365, "d") } else { format!("{years}y") }
}

fn pair(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
}

/// An age in one unit, as some describers print it: `5s`, `2m`, `4h`, `3d`, `1y`.
pub fn short_human_duration(duration_ms: i64) -> String {
    let seconds = duration_ms.div_euclid(1000);
    match seconds {
        ..=-2 => "<invalid>".into(),
        -1 => "0s".into(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        86400..31_536_000 => format!("{}d", seconds / 86400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// A duration as Go prints it: `0s`, `1.5s`, `10ms`, `1m20s`, `5m0s`, `1h0m0s`.
pub fn go_duration(duration_ms: i64) -> String {
    if duration_ms < 0 {
        return format!("-{}", go_duration(-duration_ms));
    }
    if duration_ms == 0 {
        return "0s".into();
    }
    if duration_ms < 1000 {
        return format!("{duration_ms}ms");
    }
    let (total, ms) = (duration_ms / 1000, duration_ms % 1000);
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let mut out = String::new();
    if hours > 0 {
        out.push_str(&format!("{hours}h"));
    }
    if total >= 60 {
        out.push_str(&format!("{minutes}m"));
    }
    out.push_str(&seconds.to_string());
    if ms > 0 {
        out.push('.');
        out.push_str(format!("{ms:03}").trim_end_matches('0'));
    }
    out.push('s');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [
            (0, "0s"),
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (123, "2m3s"),
            (600, "10m"),
            (7200, "120m"),
            (10_800, "3h"),
            (15_120, "4h12m"),
            (36_000, "10h"),
            (172_800, "2d"),
            (273_600, "3d4h"),
            (864_000, "10d"),
            (-1, "0s"),
            (-2, "<invalid>"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
        ] {
            assert_eq!(human_duration(seconds * 1000), text, "{seconds}");
        }
        assert_eq!(short_human_duration(123_000), "2m");
    }

    #[test]
    fn go_durations_keep_zero_units() {
        for (ms, text) in [
            (10_000, "10s"),
            (80_000, "1m20s"),
            (300_000, "5m0s"),
            (1_234, "1.234s"),
            (3_600_000, "1h0m0s"),
            (20, "20ms"),
        ] {
            assert_eq!(go_duration(ms), text);
        }
    }

    #[test]
    fn times_are_rfc3339() {
        assert_eq!(rfc3339(1_767_323_045_678), "2026-01-02T03:04:05Z");
        assert_eq!(rfc3339_micro(1_767_323_045_678), "2026-01-02T03:04:05.678000Z");
        assert_eq!(parse_rfc3339("2026-01-02T03:04:05Z"), Some(1_767_323_045_000));
    }
}
