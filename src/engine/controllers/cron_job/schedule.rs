//! When a CronJob is due: the latest time it has missed, and the next one.
//!
//! Counted from the last time that was used, or from the creation. Upstream does not step through all missed times:
//! it takes the interval of the first two for that of all, jumps near the end, and steps from there. More than a
//! hundred missed times give a warning, and nothing else.
//! Mirrors: pkg/controller/cronjob/utils.go `mostRecentScheduleTime`, `nextScheduleTime`, `nextScheduleTimeDuration`.

use api::k8s_openapi::api::batch::v1::CronJob;
use api::meta::cron::Schedule;
use api::meta::time::millis;
use api::meta::zone::Zone;

/// More missed times than this are a sign that something is wrong.
const MANY: i64 = 100;

/// A schedule and the clocks it goes by.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    schedule: Schedule,
    pub zone: Zone,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// No date fits the schedule.
    Never,
    NotYet,
    /// The latest time that has come and was not used.
    Since {
        at: i64,
        many_missed: bool,
    },
}

impl Timetable {
    /// # Errors
    /// Reason and message of the event that tells of an unusable zone or schedule.
    pub fn of(cron: &CronJob) -> Result<Self, (&'static str, String)> {
        let zone = cron.spec.time_zone.as_deref().unwrap_or_default();
        let zone =
            Zone::named(zone).map_err(|text| ("UnknownTimeZone", format!("invalid timeZone: {zone:?}: {text}")))?;
        let spec = &cron.spec.schedule;
        let schedule = Schedule::parse(spec)
            .map_err(|text| ("UnparseableSchedule", format!("unparseable schedule: {spec:?} : {text}")))?;
        Ok(Self { schedule, zone })
    }

    /// The time that asks for a Job now.
    pub fn due(&self, cron: &CronJob, unix_now: i64) -> Due {
        // Nothing that lies before the deadline is started.
        let floor = cron.spec.starting_deadline_seconds.map(|seconds| unix_now - seconds.saturating_mul(1000));
        let since = begin(cron).max(floor.unwrap_or(i64::MIN));
        match self.recent(since, unix_now) {
            None => Due::Never,
            Some((None, _)) => Due::NotYet,
            Some((Some(at), missed)) => Due::Since { at, many_missed: missed > MANY },
        }
    }

    /// The time after the latest one that has come.
    pub fn next(&self, cron: &CronJob, unix_now: i64) -> Option<i64> {
        let since = begin(cron);
        let from = match self.recent(since, unix_now) {
            Some((Some(at), _)) => at,
            Some((None, 0)) => since,
            Some((None, _)) | None => unix_now,
        };
        self.zone.next(&self.schedule, from)
    }

    /// The latest scheduled time after `since` that has come, and about how many have; none without any.
    fn recent(&self, since: i64, unix_now: i64) -> Option<(Option<i64>, i64)> {
        let next = |after: i64| self.zone.next(&self.schedule, after);
        let first = next(since)?;
        if unix_now < first {
            return Some((None, 0));
        }
        let second = next(first)?;
        if unix_now < second {
            return Some((Some(first), 0));
        }
        let between = (second - first + 500) / 1000;
        if between < 1 {
            return None;
        }
        let missed = (unix_now - first) / 1000 / between + 1;
        // Near the end by the first interval, then step by step: intervals may differ.
        let mut latest = None;
        let mut at = next(first + (missed - 2) * between * 1000);
        while let Some(time) = at.filter(|time| *time <= unix_now) {
            latest = Some(time);
            at = next(time);
        }
        Some((latest, missed))
    }
}

/// Scheduled times count from the last one that was used, or from the CronJob's creation.
fn begin(cron: &CronJob) -> i64 {
    let last = cron.status.as_ref().and_then(|status| status.last_schedule_time.as_ref());
    last.or(cron.metadata.creation_timestamp.as_ref()).map(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::meta::time::{parse_rfc3339, rfc3339};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_latest_missed_time_is_the_one_that_counts() {
        // Schedule, deadline, last used time, now; what is due and whether much was missed; what comes next.
        for (spec, deadline, last, now, due, next) in [
            ("* * * * *", None, "10:00:00", "10:00:59", None, "10:01:00"),
            ("* * * * *", None, "10:00:00", "10:01:00", Some(("10:01:00", false)), "10:02:00"),
            ("* * * * *", None, "10:00:00", "10:05:30", Some(("10:05:00", false)), "10:06:00"),
            ("* * * * *", None, "08:00:00", "10:05:30", Some(("10:05:00", true)), "10:06:00"),
            ("* * * * *", Some(10), "08:00:00", "10:05:30", None, "10:06:00"),
            ("* * * * *", Some(40), "08:00:00", "10:05:30", Some(("10:05:00", false)), "10:06:00"),
            ("30 6-16/4 * * 1-5", None, "06:30:00", "15:00:00", Some(("14:30:00", false)), "2026-01-06T06:30:00Z"),
            // Where intervals differ, upstream's estimate may overshoot: nothing is due, and the next time counts.
            ("0 6-8/2,11 * * *", None, "05:00:00", "10:30:00", None, "11:00:00"),
            ("@every 90s", None, "10:00:00", "10:05:00", Some(("10:04:30", false)), "10:06:00"),
        ] {
            let day = |time: &str| if time.len() > 8 { time.to_string() } else { format!("2026-01-05T{time}Z") };
            let cron: CronJob = serde_json::from_value(json!({
                "metadata": {},
                "spec": {"schedule": spec, "startingDeadlineSeconds": deadline, "jobTemplate": {"spec": {"template": {}}}},
                "status": {"lastScheduleTime": day(last)},
            }))
            .unwrap();
            let table = Timetable::of(&cron).unwrap();
            let now = parse_rfc3339(&day(now)).unwrap();
            let expected = due.map_or(Due::NotYet, |(at, many_missed): (&str, bool)| Due::Since {
                at: parse_rfc3339(&day(at)).unwrap(),
                many_missed,
            });
            assert_eq!(table.due(&cron, now), expected, "{spec} {last}");
            assert_eq!(table.next(&cron, now).map(rfc3339), Some(day(next)), "{spec} {last}");
        }
    }

    #[test]
    fn some_days_never_come() {
        let cron: CronJob = serde_json::from_value(json!({
            "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"schedule": "0 0 31 2 *", "jobTemplate": {"spec": {"template": {}}}},
        }))
        .unwrap();
        assert_eq!(Timetable::of(&cron).unwrap().due(&cron, 1_800_000_000_000), Due::Never);
    }
}
