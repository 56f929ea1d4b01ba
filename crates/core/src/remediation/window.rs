//! Maintenance windows: the hours in which repairs may run, and those in which they may not. What does not live here:
//! where a time zone comes from; it is looked up by the shell and passed in as a value.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

/// What a window means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sense {
    /// Repairs run only then (or in another window of this sense).
    Only,
    /// Repairs never run then.
    Never,
}

/// Hours of some days of the week, on the wall clock of one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its name, shown where it holds something back.
    pub name: Arc<str>,
    /// What it means.
    pub sense: Sense,
    /// The days on which it begins; empty = every day.
    pub days: Vec<Weekday>,
    /// When it begins.
    pub from: Time,
    /// When it ends; not after `from` means on the next day. The same as `from` is a whole day.
    pub until: Time,
    /// Whose wall clock.
    pub zone: TimeZone,
}

impl Window {
    /// Whether this moment lies in it.
    pub fn covers(&self, now: Timestamp) -> bool {
        let local: DateTime = self.zone.to_datetime(now);
        let (time, today) = (local.time(), local.date().weekday());
        let begins = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.from < self.until {
            return begins(today) && self.from <= time && time < self.until;
        }
        (begins(today) && time >= self.from) || (begins(today.previous()) && time < self.until)
    }
}

/// The window that forbids this moment; `Err(None)` says that none of those in which repairs may run is now.
pub fn allows(windows: &[Window], now: Timestamp) -> Result<(), Option<Arc<str>>> {
    if let Some(window) = windows.iter().find(|w| w.sense == Sense::Never && w.covers(now)) {
        return Err(Some(window.name.clone()));
    }
    let mut only = windows.iter().filter(|w| w.sense == Sense::Only).peekable();
    if only.peek().is_some() && !only.any(|w| w.covers(now)) {
        return Err(None);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use jiff::tz::offset;

    use super::*;

    fn window(sense: Sense, days: &[Weekday], from: Time, until: Time) -> Window {
        // Two hours east of Greenwich.
        let zone = TimeZone::fixed(offset(2));
        Window { name: "w".into(), sense, days: days.to_vec(), from, until, zone }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_read_on_the_wall_clock_of_its_zone() {
        let night = window(Sense::Only, &[Weekday::Saturday], time(1, 0, 0, 0), time(5, 0, 0, 0));
        // 2026-11-21 is a Saturday; 01:00 there is 23:00 of Friday in UTC.
        assert!(!night.covers(at("2026-11-20T22:59:59Z")));
        assert!(night.covers(at("2026-11-20T23:00:00Z")));
        assert!(night.covers(at("2026-11-21T02:59:59Z")));
        assert!(!night.covers(at("2026-11-21T03:00:00Z")));
        assert!(!night.covers(at("2026-11-19T23:30:00Z")), "a Friday");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
        let night = window(Sense::Never, &[Weekday::Saturday], time(22, 0, 0, 0), time(6, 0, 0, 0));
        assert!(night.covers(at("2026-11-21T20:00:00Z")), "Saturday 22:00");
        assert!(night.covers(at("2026-11-22T03:59:00Z")), "Sunday 05:59");
        assert!(!night.covers(at("2026-11-22T20:30:00Z")), "Sunday 22:30");
        assert!(!night.covers(at("2026-11-21T03:00:00Z")), "Saturday 05:00, which is Friday's night");
    }

    #[test]
    fn equal_times_are_a_whole_day() {
        let day = window(Sense::Never, &[Weekday::Saturday], time(8, 0, 0, 0), time(8, 0, 0, 0));
        assert!(day.covers(at("2026-11-21T06:00:00Z")) && day.covers(at("2026-11-22T05:59:59Z")));
        assert!(!day.covers(at("2026-11-22T06:00:00Z")) && !day.covers(at("2026-11-21T05:59:59Z")));
    }

    #[test]
    fn never_outranks_only_and_no_window_is_always() {
        let only = window(Sense::Only, &[], time(1, 0, 0, 0), time(5, 0, 0, 0));
        let never =
            Window { name: "backup".into(), ..window(Sense::Never, &[], time(2, 0, 0, 0), time(3, 0, 0, 0)) };
        let (inside, outside) = (at("2026-11-21T00:30:00Z"), at("2026-11-21T12:00:00Z"));
        assert_eq!(allows(&[], outside), Ok(()));
        assert_eq!(allows(&[only.clone(), never.clone()], inside), Err(Some("backup".into())));
        assert_eq!(allows(std::slice::from_ref(&only), inside), Ok(()));
        assert_eq!(allows(&[only], outside), Err(None));
        assert_eq!(allows(&[never], outside), Ok(()));
    }
}
