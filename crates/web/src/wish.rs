//! What a person wishes to be silenced, read from what they sent: the drift behind a handle, types, moments, spans. What
//! does not live here: what may be wished for; that is [`evenkeel_core::policy::silence`].

use std::sync::Arc;

use evenkeel_core::policy::silence::{Pattern, Target, Until, Wish};
use evenkeel_core::{DriftId, EventType};
use evenkeel_store::Store;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::problem::{Problem, quoted};

/// A wish as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) drift: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) services: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) reason: String,
    pub(crate) starts: Option<Timestamp>,
    pub(crate) ends: Option<Timestamp>,
    pub(crate) lasts: Option<String>,
    pub(crate) until_resolved: bool,
}

/// What cannot be understood: which part, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unclear {
    pub(crate) about: &'static str,
    pub(crate) why: String,
}

/// Why there is no wish.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Parts of it cannot be understood.
    Unclear(Vec<Unclear>),
    /// It could not be looked up.
    Problem(Problem),
}

impl Written {
    /// Reads it, and looks the drift up.
    pub(crate) async fn read(&self, store: &dyn Store) -> Result<Wish, Trouble> {
        let mut unclear = Vec::new();
        let drift = match &self.drift {
            None => None,
            Some(handle) => match drift_of(store, handle).await.map_err(Trouble::Problem)? {
                Ok(drift) => Some(drift),
                Err(why) => {
                    unclear.push(Unclear { about: "drift", why });
                    None
                }
            },
        };
        let pattern = self.pattern(&mut unclear);
        let is_pattern = !(self.hosts.is_empty() && self.services.is_empty() && self.types.is_empty());
        if self.drift.is_some() && is_pattern {
            let why = "a silence is of one drift or of a pattern, not of both".to_owned();
            unclear.push(Unclear { about: "drift", why });
        }
        let until = self.until(&mut unclear);
        if !unclear.is_empty() {
            return Err(Trouble::Unclear(unclear));
        }
        let target = drift.map_or(Target::Pattern(pattern), Target::Drift);
        Ok(Wish { target, reason: self.reason.clone(), starts: self.starts, until })
    }

    fn pattern(&self, unclear: &mut Vec<Unclear>) -> Pattern {
        let texts = |list: &[String]| list.iter().map(|text| Arc::from(text.trim())).collect();
        let mut types = Vec::new();
        for text in &self.types {
            match EventType::parse(text.trim()) {
                Some(kind) => types.push(kind),
                None => {
                    let known = EventType::ALL.map(EventType::code).join(", ");
                    let why = format!("{} is no event type; there are {known}", quoted(text));
                    unclear.push(Unclear { about: "types", why });
                }
            }
        }
        Pattern { hosts: texts(&self.hosts), services: texts(&self.services), types }
    }

    fn until(&self, unclear: &mut Vec<Unclear>) -> Option<Until> {
        let lasts = self.lasts.as_deref().map(span);
        let said = [self.ends.is_some(), lasts.is_some(), self.until_resolved];
        if said.iter().filter(|said| **said).count() > 1 {
            let why =
                "its end is said more than once; give one of `ends`, `for` and `until_resolved`".to_owned();
            unclear.push(Unclear { about: "ends", why });
        }
        match lasts {
            Some(Ok(lasts)) => Some(Until::After(lasts)),
            Some(Err(why)) => {
                unclear.push(Unclear { about: "ends", why });
                None
            }
            None if self.until_resolved => Some(Until::Resolved),
            None => self.ends.map(Until::Moment),
        }
    }
}

/// The drift behind a handle; or why there is none.
async fn drift_of(store: &dyn Store, handle: &str) -> Result<Result<DriftId, String>, Problem> {
    let handle = handle.trim();
    let found = store.drift_by_handle(handle).await?;
    Ok(match found.as_slice() {
        [entry] => Ok(entry.id.clone()),
        [] => Err(format!("there is no drift {}", quoted(handle))),
        [..] => Err(format!("{} stands for several drifts; use a pattern", quoted(handle))),
    })
}

/// A span of time: `2h`, `90m`, `7d`. Days are 24 hours: a silence has no calendar.
pub(crate) fn span(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("{} is no span of time; write it like 2h, 90m or 7d", quoted(text));
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())
}

/// The end of a day, in UTC, as the configuration counts one.
pub(crate) fn end_of(day: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{} is no date; write it like 2026-12-24", quoted(day));
    let day: Date = day.trim().parse().map_err(|_| wrong())?;
    let next = day.tomorrow().map_err(|_| wrong())?;
    next.to_zoned(TimeZone::UTC).map(|end| end.timestamp()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_with_its_units_and_a_month_is_none() {
        let hours = |text| span(text).map(|span| span.as_hours());
        assert_eq!(
            [hours("2h"), hours("7d"), hours("1d 12h"), hours("120m")],
            [Ok(2), Ok(168), Ok(36), Ok(2)]
        );
        for wrong in ["", "2", "soon", "1mo", "2h!"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            span("-2h").map(|span| span.is_negative()),
            Ok(true),
            "what it is refused for is said later"
        );
    }

    #[test]
    fn a_day_counts_in_full() {
        assert_eq!(end_of("2026-12-24").unwrap().to_string(), "2026-12-25T00:00:00Z");
        assert!(end_of("24.12.2026").is_err() && end_of("").is_err() && end_of("9999-12-31").is_err());
    }
}
