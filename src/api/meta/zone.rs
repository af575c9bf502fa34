//! Time zones: the names of the tz database, each with the rule in force today.
//!
//! Mirrors: Go's `time.LoadLocation`. Left out: what zones did in the past; virtual time begins in 2026.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cron::Schedule;

/// A POSIX rule and the names of the zones that follow it, a rule a line (tz database 2025b, public domain).
const ZONES: &str = include_str!("zones.txt");

#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of that name, exactly as the database spells it; the empty name is UTC.
    ///
    /// # Errors
    /// Go's sentence.
    pub fn named(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Ok(Self::UTC);
        }
        let rule = ZONES.lines().find_map(|line| {
            let (rule, names) = line.split_once(' ')?;
            names.split(' ').any(|known| known == name).then_some(rule)
        });
        let zone = rule.and_then(|rule| TimeZone::posix(rule).ok());
        zone.map(Self).ok_or_else(|| format!("unknown time zone {name}"))
    }

    /// `2026-07-01T09:00:00+02:00`; in UTC with a `Z`.
    pub fn rfc3339(&self, unix_ms: i64) -> String {
        let at = Timestamp::from_second(unix_ms.div_euclid(1000)).unwrap_or_default();
        let offset = self.0.to_offset(at);
        if offset.is_zero() { at.to_string() } else { at.display_with_offset(offset).to_string() }
    }

    /// The first time after that moment at which the zone's clocks show what the schedule asks for.
    ///
    /// What clocks skip does not happen; what they show twice happens twice, as upstream's library has it.
    pub fn next(&self, schedule: &Schedule, unix_ms: i64) -> Option<i64> {
        if matches!(schedule, Schedule::Every(_)) {
            return schedule.next_after(unix_ms);
        }
        // Past this change of the clocks; due after that moment; by these clocks.
        let (mut changed, mut after, mut offset) = (unix_ms, unix_ms, self.offset_ms(unix_ms));
        loop {
            let due = schedule.next_after(after + offset)? - offset;
            let Some(change) = self.change_after(changed).filter(|change| *change <= due) else { return Some(due) };
            (changed, after, offset) = (change, change - 1, self.offset_ms(change));
        }
    }

    fn offset_ms(&self, unix_ms: i64) -> i64 {
        let at = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
        i64::from(self.0.to_offset(at).seconds()) * 1000
    }

    fn change_after(&self, unix_ms: i64) -> Option<i64> {
        let at = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
        self.0.following(at).next().map(|change| change.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::time::parse_rfc3339;

    #[test]
    fn schedules_follow_the_clocks_of_their_zone() {
        for (zone, spec, after, next) in [
            ("", "0 9 * * *", "2026-07-01T08:00:00Z", "2026-07-01T09:00:00Z"),
            ("Etc/UTC", "0 9 * * *", "2026-07-01T09:00:00Z", "2026-07-02T09:00:00Z"),
            ("Europe/Berlin", "0 9 * * *", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00+01:00"),
            ("Europe/Berlin", "0 9 * * *", "2026-07-01T00:00:00Z", "2026-07-01T09:00:00+02:00"),
            ("Asia/Kolkata", "30 23 * * *", "2026-07-01T18:00:00Z", "2026-07-02T23:30:00+05:30"),
            ("America/New_York", "0 0 1 * *", "2026-07-01T04:00:00Z", "2026-08-01T00:00:00-04:00"),
            // The clocks skip 02:30 on this day: not then, but the day after.
            ("Europe/Berlin", "30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-30T02:30:00+02:00"),
            ("Europe/Berlin", "0 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T03:00:00+02:00"),
            // They show 02:30 twice on that one.
            ("Europe/Berlin", "30 2 * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00"),
            ("Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+01:00"),
            ("Europe/Berlin", "30 2 * * *", "2026-10-25T01:30:00Z", "2026-10-26T02:30:00+01:00"),
            ("Europe/Berlin", "@every 1h", "2026-03-29T00:30:00Z", "2026-03-29T03:30:00+02:00"),
        ] {
            let zone = Zone::named(zone).unwrap();
            let due = zone.next(&Schedule::parse(spec).unwrap(), parse_rfc3339(after).unwrap()).unwrap();
            assert_eq!(zone.rfc3339(due), next, "{spec} after {after}");
        }
    }

    #[test]
    fn every_zone_has_a_rule() {
        let names: Vec<&str> = ZONES.lines().flat_map(|line| line.split(' ').skip(1)).collect();
        assert!(names.len() > 550);
        for name in names {
            assert!(Zone::named(name).is_ok(), "{name}");
        }
        for (name, text) in [("Mars/Base", "unknown time zone Mars/Base"), ("utc", "unknown time zone utc")] {
            assert_eq!(Zone::named(name).unwrap_err(), text);
        }
    }
}
