//! The door for fuzzers: foreign bytes go the way an observation takes them, and what comes out is held against what is
//! true of any answer. Compiled for tests and fuzzers only; `fuzz/fuzz_targets` calls these, docs/fuzzing.md says how.
//!
//! What lives here: how an input is taken apart, and what every answer must keep. What does not: what a system's answer must
//! keep beyond that; that is in the `fuzz.rs` of its folder.

use std::collections::BTreeSet;
use std::fmt;

use evenkeel_core::Gap;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

pub use crate::docker::fuzz::{answers as docker, events as docker_events, inspection as docker_inspection};
pub use crate::netbox::fuzz::{changes as netbox_changes, lists as netbox};
pub use crate::proxmox::fuzz::{guest as proxmox_guest, lists as proxmox};
pub use crate::push::fuzz::body as push;
pub use crate::truenas::fuzz::{answers as truenas, message as truenas_message};

/// The line between two bodies of one input.
const BETWEEN: &[u8] = b"\n%%\n";

/// The bodies of an input; those that are not there are empty.
pub fn bodies<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut rest = Some(input);
    std::array::from_fn(|_| {
        let Some(all) = rest else { return &[][..] };
        match all.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
            Some(at) => {
                rest = Some(&all[at + BETWEEN.len()..]);
                &all[..at]
            }
            None => {
                rest = None;
                all
            }
        }
    })
}

/// What a gap must be like, whoever wrote the words in it: it goes to logs, pages and terminals.
pub(crate) fn is_decent(gap: &Gap) {
    assert!(gap.why.chars().count() <= Gap::LONGEST, "a gap of {} characters", gap.why.len());
    assert!(!gap.why.chars().any(char::is_control), "a control character in {gap:?}");
}

/// Whether the same key stands twice in some object: what such JSON means is up to whoever reads it, so two ways of
/// reading it need not agree. True as well of what is no JSON.
pub(crate) fn is_ambiguous(body: &[u8]) -> bool {
    serde_json::from_slice::<Unambiguous>(body).is_err()
}

/// JSON in which every key stands once.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Unambiguous;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which every key stands once")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_unit<E>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unambiguous, A::Error> {
        while seq.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unambiguous, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = map.next_entry::<String, Unambiguous>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Unambiguous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_taken_apart_at_the_lines_between() {
        assert_eq!(bodies::<3>(b"a\n%%\n\n%%\nc\n%%\nd"), [&b"a"[..], b"", b"c"]);
        assert_eq!(bodies::<3>(b"a%%b"), [&b"a%%b"[..], b"", b""]);
    }

    #[test]
    fn a_key_that_stands_twice_is_found_anywhere() {
        assert!(!is_ambiguous(br#"[{"a": {"b": 1, "c": [null, true, -1, 0.5, "x"]}}, {"a": 2}]"#));
        assert!(is_ambiguous(br#"[{"a": [{"b": 1, "b": 2}]}]"#));
        assert!(is_ambiguous(br#"[{"a": 1, "\u0061": 2}]"#));
    }
}
