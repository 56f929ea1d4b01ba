//! Hours and days as people have them: when it is quiet, when a digest is due. Pure: the time is an argument, the time
//! zone a setting. What does not live here: what is told then.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// The quiet hours of every day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl Quiet {
    /// From one hour to another, over midnight if the second is the earlier. `None` where they are the same: that could
    /// mean always, or never.
    pub fn new(from: Time, until: Time, zone: TimeZone) -> Option<Self> {
        (from != until).then_some(Self { from, until, zone })
    }

    /// When the quiet that holds now ends; `None` while it is not quiet.
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        let time = local.time();
        let over_midnight = self.from > self.until;
        let (quiet, tomorrow) = match over_midnight {
            false => (self.from <= time && time < self.until, false),
            true => (time >= self.from || time < self.until, time >= self.from),
        };
        if !quiet {
            return None;
        }
        let day = if tomorrow { local.date().tomorrow().ok()? } else { local.date() };
        // An hour that a clock change skips ends when the clock has passed it.
        let end = day.to_datetime(self.until).to_zoned(self.zone.clone()).ok()?.timestamp();
        // In the hour that a clock change repeats the end may have been already.
        (end > now).then_some(end)
    }
}

/// An hour of every day, or of one day of every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    time: Time,
    day: Option<Weekday>,
    zone: TimeZone,
}

impl At {
    /// At this hour, every day or on this one.
    pub fn new(time: Time, day: Option<Weekday>, zone: TimeZone) -> Self {
        Self { time, day, zone }
    }

    /// The last such moment that is not after now.
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        self.around(now, -8).filter(|at| *at <= now).max()
    }

    /// The first such moment after now.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.around(now, 0).filter(|at| *at > now).min()
    }

    /// What a digest covers: a day or a week.
    pub fn period(&self) -> &'static str {
        match self.day {
            None => "day",
            Some(_) => "week",
        }
    }

    /// The moment before this one.
    pub fn before(&self, moment: Timestamp) -> Option<Timestamp> {
        self.around(moment, -8).filter(|at| *at < moment).max()
    }

    /// Such moments in the nine days that begin so many days from now.
    fn around(&self, now: Timestamp, first: i64) -> impl Iterator<Item = Timestamp> {
        let local: Zoned = now.to_zoned(self.zone.clone());
        (first..first + 9).filter_map(move |days| {
            let date = local.date().checked_add(days.days()).ok()?;
            if self.day.is_some_and(|day| date.weekday() != day) {
                return None;
            }
            date.to_datetime(self.time).to_zoned(self.zone.clone()).ok().map(|at| at.timestamp())
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ends(quiet: &Quiet, now: &str) -> Option<String> {
        quiet.ends(at(now)).map(|end| end.to_string())
    }

    #[test]
    fn the_night_is_quiet_from_evening_to_morning_in_its_zone() {
        let quiet = Quiet::new(time(22, 0, 0, 0), time(7, 0, 0, 0), paris()).unwrap();
        // Winter in Paris is an hour ahead of UTC.
        assert_eq!(ends(&quiet, "2026-01-10T20:59:59Z"), None);
        assert_eq!(ends(&quiet, "2026-01-10T21:00:00Z").as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(ends(&quiet, "2026-01-11T05:59:59Z").as_deref(), Some("2026-01-11T06:00:00Z"));
        assert_eq!(ends(&quiet, "2026-01-11T06:00:00Z"), None);
        // In summer two.
        assert_eq!(ends(&quiet, "2026-07-10T20:00:00Z").as_deref(), Some("2026-07-11T05:00:00Z"));
    }

    #[test]
    fn quiet_within_a_day_ends_on_that_day() {
        let quiet = Quiet::new(time(12, 0, 0, 0), time(14, 0, 0, 0), TimeZone::UTC).unwrap();
        assert_eq!(ends(&quiet, "2026-01-10T12:00:00Z").as_deref(), Some("2026-01-10T14:00:00Z"));
        assert_eq!(ends(&quiet, "2026-01-10T14:00:00Z"), None);
        assert_eq!(Quiet::new(time(12, 0, 0, 0), time(12, 0, 0, 0), TimeZone::UTC), None);
    }

    #[test]
    fn quiet_ends_on_a_night_when_the_clock_changes() {
        // 29 March 2026: at 2:00 the clock in Paris says 3:00. 25 October: at 3:00 it says 2:00.
        let quiet = Quiet::new(time(22, 0, 0, 0), time(2, 30, 0, 0), paris()).unwrap();
        for (evening, morning) in [
            ("2026-03-28T21:30:00Z", "2026-03-29T01:30:00Z"),
            ("2026-10-24T20:30:00Z", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(ends(&quiet, evening).as_deref(), Some(morning));
            assert_eq!(quiet.ends(at(morning)), None, "what waited for its end must not wait again");
        }
    }

    #[test]
    fn a_digest_is_due_once_a_day_or_once_a_week() {
        let daily = At::new(time(8, 0, 0, 0), None, paris());
        assert_eq!(daily.last(at("2026-01-10T07:00:00Z")), Some(at("2026-01-10T07:00:00Z")));
        assert_eq!(daily.last(at("2026-01-10T06:59:59Z")), Some(at("2026-01-09T07:00:00Z")));
        assert_eq!(daily.next(at("2026-01-10T07:00:00Z")), Some(at("2026-01-11T07:00:00Z")));
        // 12 January 2026 is a Monday.
        let weekly = At::new(time(8, 0, 0, 0), Some(Weekday::Monday), TimeZone::UTC);
        assert_eq!(weekly.next(at("2026-01-10T07:00:00Z")), Some(at("2026-01-12T08:00:00Z")));
        assert_eq!(weekly.last(at("2026-01-10T07:00:00Z")), Some(at("2026-01-05T08:00:00Z")));
        assert_eq!(weekly.next(at("2026-01-12T08:00:00Z")), Some(at("2026-01-19T08:00:00Z")));
        assert_eq!(weekly.before(at("2026-01-12T08:00:00Z")), Some(at("2026-01-05T08:00:00Z")));
    }
}
