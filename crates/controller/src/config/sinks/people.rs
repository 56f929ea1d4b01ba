//! How people want to be told, for sinks that speak to people. What does not live here: doing it; that is
//! [`crate::deliver::people`].

use std::time::Duration;

use evenkeel_core::Severity;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::super::key::{Key, Section};
use super::super::table::{Table, Value};
use super::super::value::{Read, some_time, word};
use crate::deliver::people::{At, By, Manners, Quiet};

/// A wait beyond this is a digest.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

const GROUP_WAIT: Key = Key::with_default(
    "group_wait",
    "duration",
    "\"15s\"",
    "How long an event waits for others, so that a burst is one message; 10 m at most. `\"0s\"` tells each at once.",
);
const GROUP_BY: Key =
    Key::with_default("group_by", "`site`, `host` or `all`", "\"site\"", "What is told together.");
const QUIET: Key = Key::optional(
    "quiet",
    "hours",
    "it is never quiet",
    "When what is not urgent waits: `\"22:00-07:00\"`. What waited is told as one message when the quiet ends. Needs \
     `time_zone`.",
);
const QUIET_BELOW: Key = Key::with_default(
    "quiet_below",
    "severity",
    "\"critical\"",
    "What is urgent: this severity and worse is told in quiet hours, too.",
);
const TIME_ZONE: Key = Key::optional(
    "time_zone",
    "text",
    "there are no hours to understand",
    "Where the hours of `quiet` and `digest` hold: `\"Europe/Paris\"`.",
);
const DIGEST: Key = Key::optional(
    "digest",
    "day and hour",
    "no digest is sent",
    "When everything is summed up: `\"daily 08:00\"` or `\"monday 08:00\"`. Needs `time_zone`.",
);
const REMIND: Key = Key::optional(
    "remind",
    "duration",
    "what stays open is told once",
    "How often what stays open is told again, as one message; 5 m at least.",
);

/// The keys that each `[[sink]]` of kind `ntfy` or `chat` takes.
pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"ntfy\" or \"chat\"",
    doc: "How people are told. That something is over is told exactly where its beginning was told.",
    keys: &[&GROUP_WAIT, &GROUP_BY, &QUIET, &QUIET_BELOW, &TIME_ZONE, &DIGEST, &REMIND],
    inherits: &[],
};

impl Read for By {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a way to group", &[("site", Self::Site), ("host", Self::Host), ("all", Self::All)])
    }
}

impl Read for TimeZone {
    fn read(value: &Value<'_>) -> Option<Self> {
        let name = String::read(value)?;
        match Self::get(&name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                value.wrong(format!("`{name}` is no time zone; write one like \"Europe/Paris\" or \"UTC\""))
            }
        }
    }
}

/// From one hour to another.
struct Hours(Time, Time);

impl Read for Hours {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        let hours = text.split_once('-').and_then(|(from, until)| Some((hour(from)?, hour(until)?)));
        match hours {
            Some((from, until)) if from != until => Some(Self(from, until)),
            Some(_) => value.wrong("begins and ends at the same hour, which could be always or never"),
            None => value.wrong(format!("`{text}` are no hours; write \"22:00-07:00\"")),
        }
    }
}

/// An hour of every day, or of one day of the week.
struct Daytime(Option<Weekday>, Time);

impl Read for Daytime {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        let days = [
            ("daily", None),
            ("monday", Some(Weekday::Monday)),
            ("tuesday", Some(Weekday::Tuesday)),
            ("wednesday", Some(Weekday::Wednesday)),
            ("thursday", Some(Weekday::Thursday)),
            ("friday", Some(Weekday::Friday)),
            ("saturday", Some(Weekday::Saturday)),
            ("sunday", Some(Weekday::Sunday)),
        ];
        let found = text.split_once(char::is_whitespace).and_then(|(day, time)| {
            let (_, day) = days.iter().find(|(word, _)| word.eq_ignore_ascii_case(day))?;
            Some(Self(*day, hour(time)?))
        });
        match found {
            Some(daytime) => Some(daytime),
            None => {
                value.wrong(format!("`{text}` is no day and hour; write \"daily 08:00\" or \"monday 08:00\""))
            }
        }
    }
}

/// `08:00`, and nothing more exact.
fn hour(text: &str) -> Option<Time> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| match text.len() {
        1 | 2 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<i8>().ok(),
        _ => None,
    };
    Time::new(number(hours)?, number(minutes)?, 0, 0).ok()
}

/// Reads the keys; what is wrong is noted.
pub(super) fn read(table: &Table<'_>) -> Manners {
    let zone: Option<TimeZone> = table.get(&TIME_ZONE);
    for key in [&QUIET, &DIGEST] {
        if table.has(key) && !table.has(&TIME_ZONE) {
            table.wrong(key, "needs to know whose hours these are; add time_zone");
        }
    }
    if table.has(&TIME_ZONE) && !table.has(&QUIET) && !table.has(&DIGEST) {
        table.wrong(&TIME_ZONE, "has no use without quiet or digest");
    }
    if table.has(&QUIET_BELOW) && !table.has(&QUIET) {
        table.wrong(&QUIET_BELOW, "has no use without quiet");
    }
    let hours: Option<Hours> = table.get(&QUIET);
    let digest: Option<Daytime> = table.get(&DIGEST);
    let urgent: Option<Severity> = table.get(&QUIET_BELOW);
    let short = |wait: &Duration| match *wait > LONGEST_WAIT {
        true => Err("must be at most 10 m; a digest sums up what is longer".to_owned()),
        false => Ok(()),
    };
    let rare = |every: &Duration| match *every < Duration::from_secs(300) {
        true => some_time(every).and(Err("must be at least 5 m".to_owned())),
        false => Ok(()),
    };
    Manners {
        group_wait: table.checked(&GROUP_WAIT, short).unwrap_or_default(),
        group_by: table.get(&GROUP_BY).unwrap_or_default(),
        quiet: hours.zip(zone.clone()).and_then(|(Hours(from, until), zone)| Quiet::new(from, until, zone)),
        urgent,
        digest: digest.zip(zone).map(|(Daytime(day, time), zone)| At::new(time, day, zone)),
        remind: table.checked(&REMIND, rare),
    }
}
