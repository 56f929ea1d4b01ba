//! The forms a value can take: texts, numbers, durations, moments, globs, paths, secrets, the words of our own enums.
//! Each says what is wrong with a value and what to write instead. What does not live here: what any key means.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::policy::Matcher;
use evenkeel_core::{EventType, HostName, ServiceName, Severity, Transition};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::de::DeValue;
use url::Url;
use wildmatch::WildMatch;

use super::key::meant;
use super::table::Value;

/// A form a value can take.
pub(super) trait Read: Sized {
    /// Reads it, or notes what is wrong.
    fn read(value: &Value<'_>) -> Option<Self>;
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value<'_>) -> Option<Self> {
        let items = value.items()?;
        let read: Vec<Option<T>> = items.iter().map(T::read).collect();
        read.into_iter().collect()
    }
}

impl Read for String {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().is_empty() => {
                value.wrong("must not be empty; write a text or leave the key out")
            }
            Some(text) => Some(text.trim().to_owned()),
            None => value.expected("a text in quotes"),
        }
    }
}

impl Read for Arc<str> {
    fn read(value: &Value<'_>) -> Option<Self> {
        String::read(value).map(Arc::from)
    }
}

impl Read for HostName {
    fn read(value: &Value<'_>) -> Option<Self> {
        String::read(value).map(Self::new)
    }
}

impl Read for ServiceName {
    fn read(value: &Value<'_>) -> Option<Self> {
        String::read(value).map(Self::new)
    }
}

impl Read for bool {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.raw().as_bool() {
            Some(flag) => Some(flag),
            None => value.expected("true or false, without quotes"),
        }
    }
}

impl Read for u32 {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Some(number) = value.raw().as_integer() else {
            return value.expected("a whole number");
        };
        match Self::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Some(number),
            Err(_) => value.wrong(format!("must be a whole number from 0 to {}", Self::MAX)),
        }
    }
}

impl Read for f64 {
    fn read(value: &Value<'_>) -> Option<Self> {
        let raw = value.raw();
        let text = raw.as_float().map(|number| number.as_str());
        let text = text.or_else(|| raw.as_integer().map(|number| number.as_str()));
        match text.and_then(|text| text.parse().ok()) {
            Some(number) => Some(number),
            None => value.expected("a number"),
        }
    }
}

impl Read for Duration {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.raw() {
            DeValue::String(text) => match duration(text) {
                Ok(duration) => Some(duration),
                Err(what) => value.wrong(what),
            },
            DeValue::Integer(number) => value.wrong(unitless(number.as_str())),
            DeValue::Float(number) => value.wrong(unitless(number.as_str())),
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                value.expected("a duration such as \"30s\", \"5m\" or \"1h30m\"")
            }
        }
    }
}

/// A duration, or the word `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrNever(pub(super) Option<Duration>);

impl Read for OrNever {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().eq_ignore_ascii_case("never") => Some(Self(None)),
            _ => Duration::read(value).map(|duration| Self(Some(duration))),
        }
    }
}

/// Whether this is a number and nothing else, where a unit belongs.
pub(super) fn unwritten_unit(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Reads `30s`, `5m`, `1h30m`, `7d`; the units are ms, s, m, h, d and w.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if unwritten_unit(text) {
        return Err(unitless(text));
    }
    let not_one = || format!("`{text}` is not a duration; write \"30s\", \"5m\", \"1h30m\" or \"7d\"");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(not_one)?;
        let number: u64 = rest[..digits].parse().map_err(|_| not_one())?;
        let after = rest[digits..].trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit: u64 = match &after[..letters] {
            "ms" => 1,
            "s" | "sec" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            other => {
                return Err(format!("`{other}` is not a unit of time; use ms, s, m, h, d or w"));
            }
        };
        let millis = number.checked_mul(unit).ok_or_else(not_one)?;
        total = total.checked_add(Duration::from_millis(millis)).ok_or_else(not_one)?;
        rest = after[letters..].trim_start();
    }
    if text.is_empty() || total > Duration::from_secs(100 * 366 * 86_400) {
        return Err(not_one());
    }
    Ok(total)
}

fn unitless(number: &str) -> String {
    format!("a duration needs a unit: write \"{number}s\" for seconds, or \"{number}m\" for minutes")
}

/// A moment, or a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// To the second.
    At(Timestamp),
    /// A day, in UTC.
    Day(Date),
}

impl Moment {
    /// The moment something that starts then begins.
    pub(super) fn begin(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Day(day) => day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp()),
        }
    }

    /// The moment something that lasts until then ends; a day counts in full.
    pub(super) fn end(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Day(day) => Self::Day(day.tomorrow().ok()?).begin(),
        }
    }
}

impl Read for Moment {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = match value.raw() {
            DeValue::Datetime(at) => at.to_string(),
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                return value.expected("a date (2026-12-31) or a moment (2026-12-31T18:00:00Z)");
            }
        };
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::At(at));
        }
        match text.parse::<Date>() {
            Ok(day) if text.len() == 10 => Some(Self::Day(day)),
            Ok(_) => {
                value.wrong(format!("`{text}` needs a time zone; write {text}Z for UTC, or {text}+01:00"))
            }
            Err(_) => {
                value.wrong(format!("`{text}` is not a date (2026-12-31) or a moment (2026-12-31T18:00:00Z)"))
            }
        }
    }
}

impl Read for PathBuf {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        if text.starts_with("~/") {
            return value.wrong("`~` is not expanded; write the whole path");
        }
        Some(value.reader().resolve(&text))
    }
}

impl Read for SocketAddr {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                value.wrong(format!("`{text}` is not an address with a port; write \"127.0.0.1:9797\""))
            }
        }
    }
}

impl Read for Url {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        // The text is not repeated: it may carry a password.
        match Url::parse(&text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                value.wrong(format!("`{}` is not supported; write https://… or http://…", url.scheme()))
            }
            Ok(url) if !url.has_host() => value.wrong("names no host; write https://host/…"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                value.wrong("carries a user or password; take it out, secrets have keys of their own")
            }
            Ok(url) => Some(url),
            Err(error) => value.wrong(format!("is not an address: {error}; write https://host/…")),
        }
    }
}

impl Read for WildMatch {
    fn read(value: &Value<'_>) -> Option<Self> {
        String::read(value).map(|pattern| Matcher::glob(&pattern))
    }
}

impl Read for EventType {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        match Self::parse(&text) {
            Some(kind) => Some(kind),
            None => value.wrong(not_a_word("an event type", &text, &Self::ALL.map(Self::code))),
        }
    }
}

impl Read for Severity {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a severity", &Self::ALL.map(|severity| (severity.as_str(), severity)))
    }
}

impl Read for Transition {
    fn read(value: &Value<'_>) -> Option<Self> {
        let all = [Self::Opened, Self::Reopened, Self::Changed, Self::Resolved, Self::Reminder];
        word(value, "a transition", &all.map(|transition| (transition.as_str(), transition)))
    }
}

/// One of a few words, in any case.
pub(super) fn word<T: Copy>(value: &Value<'_>, what: &str, words: &[(&'static str, T)]) -> Option<T> {
    let text = String::read(value)?;
    match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)) {
        Some((_, meaning)) => Some(*meaning),
        None => {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            value.wrong(not_a_word(what, &text, &known))
        }
    }
}

fn not_a_word(what: &str, text: &str, known: &[&str]) -> String {
    match meant(text, known.iter().copied()) {
        Some(word) => format!("`{text}` is not {what}; did you mean `{word}`?"),
        None => format!("`{text}` is not {what}; use one of {}", known.join(", ")),
    }
}

/// A check for [`super::table::Table::checked`]: at least this much.
pub(super) fn at_least<T: PartialOrd + Display>(least: T) -> impl FnOnce(&T) -> Result<(), String> {
    move |value| {
        if *value < least { Err(format!("must be at least {least}")) } else { Ok(()) }
    }
}

/// A check for [`super::table::Table::checked`]: not nothing.
pub(super) fn some_time(value: &Duration) -> Result<(), String> {
    if value.is_zero() { Err("must be longer than zero".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_with_its_units() {
        for (text, millis) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("250ms", 250),
            ("90 d", 7_776_000_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_refused_with_the_unit_it_may_have_meant() {
        assert!(duration("30").unwrap_err().contains("write \"30s\""));
        assert!(duration("1h30").unwrap_err().contains("not a duration"));
        assert!(duration("3 fortnights").unwrap_err().contains("`fortnights` is not a unit"));
        for text in ["", "soon", "-5s", "99999999999999999999s", "9999999w"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_that_something_lasts_until_counts_in_full() {
        let day = Moment::Day(jiff::civil::date(2026, 12, 31));
        assert_eq!(day.begin().map(|t| t.to_string()).as_deref(), Some("2026-12-31T00:00:00Z"));
        assert_eq!(day.end().map(|t| t.to_string()).as_deref(), Some("2027-01-01T00:00:00Z"));
    }
}
