//! The seed format as it arrives: `hostname, source, observed_at, snapshot`, as one JSON object, a list of them, or one
//! per line. What lives here: taking a body apart, so that one bad line spoils no other. What does not: what a snapshot
//! says (`decode`), and whether it may be said (`mod`).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::refusal::{Refusal, Refused};

/// How a body is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One JSON value, or one per line: whichever it is.
    #[default]
    Either,
    /// One JSON value per line.
    Lines,
}

/// One observation, as sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observation {
    pub(super) hostname: String,
    /// The sender's own word for what collected it.
    pub(super) collector: String,
    pub(super) observed_at: Timestamp,
    pub(super) snapshot: Value,
    /// What stands under `complete`, where it stands beside the snapshot.
    pub(super) complete: Option<Value>,
}

/// The observations of a body, each with its line, or its place in the list, from 1.
pub(super) type Parts = Vec<(usize, Result<Observation, Refusal>)>;

/// Takes a body apart.
pub(super) fn read(body: &[u8], form: Form) -> Result<Parts, Refused> {
    let parts = match form {
        Form::Lines => lines(body),
        Form::Either => match serde_json::from_slice::<Value>(body) {
            Ok(Value::Array(items)) => {
                items.into_iter().enumerate().map(|(i, item)| (i + 1, observation(item))).collect()
            }
            Ok(value) => vec![(1, observation(value))],
            // Several values, or one that is broken: it is the former if the first line stands for itself.
            Err(error) if first_line_is_whole(body) => {
                debug_assert!(error.line() > 0);
                lines(body)
            }
            Err(error) => return Err(Refused::NotJson { line: error.line(), column: error.column() }),
        },
    };
    if parts.is_empty() { Err(Refused::Empty) } else { Ok(parts) }
}

fn lines(body: &[u8]) -> Parts {
    let numbered = body.split(|byte| *byte == b'\n').enumerate();
    let filled = numbered.filter(|(_, line)| !is_blank(line));
    filled
        .map(|(i, line)| match serde_json::from_slice(line) {
            Ok(value) => (i + 1, observation(value)),
            Err(error) => (i + 1, Err(Refusal::NotJson { column: error.column() })),
        })
        .collect()
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn first_line_is_whole(body: &[u8]) -> bool {
    let first = body.split(|byte| *byte == b'\n').find(|line| !is_blank(line));
    first.is_some_and(|line| serde_json::from_slice::<Map<String, Value>>(line).is_ok())
}

fn observation(value: Value) -> Result<Observation, Refusal> {
    let Value::Object(mut object) = value else {
        return Err(Refusal::Form(
            "is not an object with hostname, source, observed_at, snapshot".to_owned(),
        ));
    };
    let hostname = text(&object, "hostname")?;
    let collector = text(&object, "source")?;
    let observed_at = moment(&text(&object, "observed_at")?)?;
    let snapshot = object.remove("snapshot").ok_or_else(|| Refusal::Form("has no snapshot".to_owned()))?;
    Ok(Observation { hostname, collector, observed_at, snapshot, complete: object.remove("complete") })
}

fn text(object: &Map<String, Value>, key: &str) -> Result<String, Refusal> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text.trim().to_owned()),
        Some(_) => Err(Refusal::Form(format!("{key} is not a text"))),
        None => Err(Refusal::Form(format!("has no {key}"))),
    }
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|_| {
        let why = "observed_at is not a moment with its time zone, such as 2025-12-22T04:11:00Z";
        Refusal::Form(why.to_owned())
    })
}
