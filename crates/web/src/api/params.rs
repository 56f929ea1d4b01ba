//! Reading a query string: every parameter is known, given once unless a list, and has an accepted value. A filter
//! that was misspelt and passed over would show too much and be believed.

use axum::extract::Query;
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evenkeel_core::{EventType, Severity};
use evenkeel_store::Cursor;
use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::problem::{Kind, Problem, quoted};

/// Rows of a list if nothing is said.
const LIMIT: u32 = 100;
/// Rows of a list at most.
const MOST: u32 = 1000;

/// The parameters of one request for a list.
#[derive(Debug)]
pub(crate) struct Params {
    list: &'static str,
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads the query of a request for this list. `filters` are the parameters it takes besides `cursor` and `limit`.
    pub(crate) fn of(list: &'static str, uri: &Uri, filters: &[&str]) -> Result<Self, Problem> {
        let known: Vec<&str> = filters.iter().copied().chain(["cursor", "limit"]).collect();
        Self::only(list, uri, &known)
    }

    /// Reads the query of a request that takes these parameters and no others.
    pub(crate) fn only(list: &'static str, uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let unreadable =
            || Problem::new(Kind::BadParameter, "the query is not of the form `name=value&name=value`");
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| unreadable())?;
        for (name, value) in &pairs {
            if !known.contains(&name.as_str()) {
                let detail = format!("{} is no parameter here; accepted: {}", quoted(name), known.join(", "));
                return Err(Problem::new(Kind::BadParameter, detail));
            }
            if value.trim().is_empty() {
                let detail = format!("parameter `{name}` is empty: give it a value or leave it out");
                return Err(Problem::new(Kind::BadParameter, detail));
            }
        }
        Ok(Self { list, pairs })
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => {
                let detail = format!("parameter `{name}` is given more than once");
                Err(Problem::new(Kind::BadParameter, detail))
            }
        }
    }

    /// The values of a parameter that may be repeated or hold several, with commas between them.
    pub(crate) fn many<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        accepted: &[&str],
    ) -> Result<Vec<T>, Problem> {
        let values = self.pairs.iter().filter(|(n, _)| n == name).flat_map(|(_, value)| value.split(','));
        values.map(|v| read(v.trim()).ok_or_else(|| Problem::bad_value(name, v, accepted))).collect()
    }

    /// `type`: official codes and the older names.
    pub(crate) fn types(&self) -> Result<Vec<EventType>, Problem> {
        let mut accepted = EventType::ALL.map(EventType::code).to_vec();
        accepted.extend(["VM_NOT_RUNNING", "HOST_NOT_RESPONDING"]);
        self.many("type", EventType::parse, &accepted)
    }

    /// `severity`.
    pub(crate) fn severities(&self) -> Result<Vec<Severity>, Problem> {
        self.many("severity", Severity::parse, &Severity::ALL.map(Severity::as_str))
    }

    /// A moment.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        // A `+` that was not percent-encoded arrives as a space, and an offset is all that can follow one there.
        let mended = || text.rsplit_once(' ').map(|(head, offset)| format!("{head}+{offset}"));
        let moment = text.parse().ok().or_else(|| mended()?.parse().ok());
        let accepted = ["a moment of RFC 3339 (2025-12-22T03:14:52Z, or with an offset, + written as %2B)"];
        moment.map(Some).ok_or_else(|| Problem::bad_value(name, text, &accepted))
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Problem::bad_value(name, other, &["true", "false"])),
        }
    }

    /// How many rows.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        match self.one("limit")? {
            None => Ok(LIMIT),
            Some(text) => match text.parse() {
                Ok(limit @ 1..=MOST) => Ok(limit),
                Ok(_) | Err(_) => Err(Problem::bad_value("limit", text, &["a whole number from 1 to 1000"])),
            },
        }
    }

    /// Where to go on, as the store knows it.
    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let Some(text) = self.one("cursor")? else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        if let Some((seal, place)) = bytes.split_first_chunk::<8>()
            && let Ok(place) = std::str::from_utf8(place)
            && *seal == self.seal(place)
        {
            return Ok(Some(Cursor::new(place)));
        }
        let detail = format!(
            "parameter `cursor`: {} is not one this list gave with these filters; begin again without it",
            quoted(text)
        );
        Err(Problem::new(Kind::BadCursor, detail))
    }

    /// The text a client brings back to go on from this place.
    pub(crate) fn next(&self, place: &Cursor) -> String {
        let mut bytes = self.seal(place.as_str()).to_vec();
        bytes.extend_from_slice(place.as_str().as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Ties a place to this list and these filters: a place in another list would end this one early without a word.
    /// It keeps mistakes out, not people; nothing is to be gained by forging one.
    fn seal(&self, place: &str) -> [u8; 8] {
        let mut filters: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !matches!(*name, "cursor" | "limit"))
            .collect();
        filters.sort_unstable();
        let mut hasher = Xxh3::new();
        for part in [self.list, place].into_iter().chain(filters.into_iter().flat_map(|(n, v)| [n, v])) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.digest().to_le_bytes()
    }
}
