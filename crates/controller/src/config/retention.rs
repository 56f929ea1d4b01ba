//! `[store.retention]` and the store's size limit: how long and how much is kept, and when that is too much. What does
//! not live here: which database keeps it.

use std::time::Duration;

use evenkeel_store::{Keep, RetentionPolicy};

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::value::{Read, unwritten_unit};

/// In `[store]`.
pub(super) const SIZE_LIMIT: Key = Key::with_default(
    "size_limit",
    "size or `off`",
    "\"5GB\"",
    "Over this size the database is itself a drift (`RESOURCE_EXCEEDED`), until it is below nine tenths of it again. \
     Nothing is removed because of it: `[store.retention]` says what goes.",
);

const EVENTS: Key = Key::with_default("events", "duration or `forever`", "\"90d\"", "Events, and notices.");
const MAX_EVENTS: Key = Key::with_default(
    "max_events",
    "number or `unlimited`",
    "1000000",
    "No more events than this, and no more notices.",
);
const SNAPSHOTS: Key = Key::with_default(
    "snapshots",
    "duration or `forever`",
    "\"30d\"",
    "Snapshots of both truths; the newest of every host stays in any case.",
);
const MAX_SNAPSHOTS: Key = Key::with_default(
    "max_snapshots",
    "number or `unlimited`",
    "200000",
    "No more snapshots of either truth than this.",
);
const DELIVERED: Key =
    Key::with_default("delivered", "duration or `forever`", "\"7d\"", "Deliveries that succeeded.");
const MAX_DELIVERED: Key =
    Key::with_default("max_delivered", "number or `unlimited`", "500000", "No more of them than this.");
const DEAD: Key =
    Key::with_default("dead", "duration or `forever`", "\"90d\"", "Deliveries that were given up.");
const MAX_DEAD: Key =
    Key::with_default("max_dead", "number or `unlimited`", "100000", "No more of them than this.");
const JOURNAL: Key =
    Key::with_default("journal", "duration or `forever`", "\"90d\"", "What was decided and done.");
const MAX_JOURNAL: Key =
    Key::with_default("max_journal", "number or `unlimited`", "200000", "No more lines of it than this.");
const PROPOSALS: Key = Key::with_default(
    "proposals",
    "duration or `forever`",
    "\"90d\"",
    "Proposals since they last changed. One that is not over, was dispatched within 48 hours, or is of an open drift \
     stays in any case.",
);
const MAX_PROPOSALS: Key =
    Key::with_default("max_proposals", "number or `unlimited`", "50000", "No more of them than this.");

/// `[store.retention]`.
pub(super) const SECTION: Section = Section {
    header: "[store.retention]",
    doc: "How long things are kept, and how many at most: what is older or more goes, the oldest first, once an hour. \
          What is open or not delivered is kept in any case.",
    keys: &[
        &EVENTS,
        &MAX_EVENTS,
        &SNAPSHOTS,
        &MAX_SNAPSHOTS,
        &DELIVERED,
        &MAX_DELIVERED,
        &DEAD,
        &MAX_DEAD,
        &JOURNAL,
        &MAX_JOURNAL,
        &PROPOSALS,
        &MAX_PROPOSALS,
    ],
    inherits: &[],
};

/// A duration, or the word `forever`.
struct Age(Option<Duration>);

impl Read for Age {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().eq_ignore_ascii_case("forever") => Some(Self(None)),
            _ => match Duration::read(value)? {
                age if age.is_zero() => value.wrong("must be longer than zero, or \"forever\""),
                age => Some(Self(Some(age))),
            },
        }
    }
}

/// A number of rows, or the word `unlimited`.
struct Count(Option<u64>);

impl Read for Count {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().eq_ignore_ascii_case("unlimited") => Some(Self(None)),
            Some(_) => value.wrong("must be a number without quotes, or \"unlimited\""),
            None => match u32::read(value)? {
                0 => value.wrong("must be at least 1, or \"unlimited\""),
                count => Some(Self(Some(u64::from(count)))),
            },
        }
    }
}

/// A size in bytes, or the word `off`.
pub(super) struct SizeLimit(pub(super) Option<u64>);

/// Below this nothing fits.
const SMALLEST: u64 = 10_000_000;

impl Read for SizeLimit {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().eq_ignore_ascii_case("off") => Some(Self(None)),
            Some(text) => match size(text) {
                Ok(bytes) if bytes < SMALLEST => value.wrong("must be at least \"10MB\", or \"off\""),
                Ok(bytes) => Some(Self(Some(bytes))),
                Err(what) => value.wrong(what),
            },
            None => value.expected("a size such as \"500MB\" or \"2GB\", or \"off\""),
        }
    }
}

/// Reads `500MB`, `1.5 GB`, `2GiB`; a unit must be written.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let not_one = || format!("`{text}` is not a size; write \"500MB\", \"2GB\" or \"off\"");
    if unwritten_unit(text) {
        return Err(format!("a size needs a unit: write \"{text}GB\" or \"{text}MB\""));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(not_one)?;
    let unit: u64 = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        other => return Err(format!("`{other}` is not a unit of size; use MB, GB, TB, MiB, GiB or TiB")),
    };
    let (whole, part) = text[..digits].split_once('.').unwrap_or((&text[..digits], "0"));
    let whole: u64 = whole.parse().map_err(|_| not_one())?;
    // Three decimals are a thousandth of the unit; nobody means more.
    let part: u64 = format!("{part:0<3}").parse().ok().filter(|part| *part < 1000).ok_or_else(not_one)?;
    whole.checked_mul(unit).and_then(|bytes| bytes.checked_add(part * (unit / 1000))).ok_or_else(not_one)
}

/// Reads `[store.retention]`.
pub(super) fn read(table: &Table<'_>) -> Option<RetentionPolicy> {
    let keep = |age: &Key, count: &Key| {
        let (age, count) = (table.get(age), table.get(count));
        let (Age(age), Count(count)) = (age?, count?);
        Some(Keep { age, count })
    };
    let (events, snapshots) = (keep(&EVENTS, &MAX_EVENTS), keep(&SNAPSHOTS, &MAX_SNAPSHOTS));
    let (delivered, dead) = (keep(&DELIVERED, &MAX_DELIVERED), keep(&DEAD, &MAX_DEAD));
    let (journal, proposals) = (keep(&JOURNAL, &MAX_JOURNAL), keep(&PROPOSALS, &MAX_PROPOSALS));
    Some(RetentionPolicy {
        events: events?,
        snapshots: snapshots?,
        delivered: delivered?,
        dead: dead?,
        journal: journal?,
        proposals: proposals?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit() {
        for (text, bytes) in [
            ("500MB", 500_000_000),
            ("2 GB", 2_000_000_000),
            ("1.5gb", 1_500_000_000),
            ("2GiB", 2 << 30),
            ("0.25TB", 250_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        assert!(size("5").unwrap_err().contains("write \"5GB\""));
        assert!(size("5 gold").unwrap_err().contains("`gold` is not a unit"));
        for text in ["", "GB", "-5GB", "1.2.3GB", "1.2345GB", "99999999999999TB", "much"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
