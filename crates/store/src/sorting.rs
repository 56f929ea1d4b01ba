//! Which rows of a report are worth keeping: those that differ from the newest kept of the same key.

use std::collections::HashMap;
use std::hash::Hash;

use crate::types::Saved;

/// How much JSON goes into one statement; a single larger snapshot goes alone.
const CHUNK_BYTES: usize = 4 << 20;

/// What was learnt about rows.
pub(crate) struct Sorted<'a, R, K, M> {
    /// Those to keep, in their order.
    pub(crate) changed: Vec<&'a R>,
    /// Each key that was seen, with the hash and the moment that hold now.
    pub(crate) heads: Vec<(K, String, M)>,
    /// How many are which.
    pub(crate) saved: Saved,
}

/// Compares rows, in their order, with the newest kept of the same key (its hash, and when it was last seen).
pub(crate) fn sort<'a, R, K: Clone + Eq + Hash, M: Clone + PartialOrd>(
    rows: &'a [R],
    mut kept: HashMap<K, (String, M)>,
    key: impl Fn(&R) -> K,
    hash: impl Fn(&R) -> (String, M),
) -> Sorted<'a, R, K, M> {
    let (mut changed, mut seen, mut saved) = (Vec::new(), Vec::new(), Saved::default());
    for row in rows {
        let key = key(row);
        let (hash, moment) = hash(row);
        match kept.get_mut(&key) {
            Some((_, last_seen)) if *last_seen > moment => {
                saved.stale += 1;
                continue;
            }
            Some((held, last_seen)) if *held == hash => {
                *last_seen = moment;
                saved.unchanged += 1;
            }
            Some(head) => {
                *head = (hash, moment);
                saved.changed += 1;
                changed.push(row);
            }
            None => {
                kept.insert(key.clone(), (hash, moment));
                saved.changed += 1;
                changed.push(row);
            }
        }
        seen.push(key);
    }
    // Taken out: a key that was seen twice has one head.
    let heads = seen.into_iter().filter_map(|key| {
        let (hash, moment) = kept.remove(&key)?;
        Some((key, hash, moment))
    });
    Sorted { heads: heads.collect(), changed, saved }
}

/// Splits rows so that no statement carries too much.
pub(crate) fn chunks<'a, 'b, R>(rows: &'b [&'a R], size: impl Fn(&R) -> usize) -> Vec<&'b [&'a R]> {
    let mut out = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (i, row) in rows.iter().enumerate() {
        bytes += size(row);
        if bytes > CHUNK_BYTES && i > start {
            out.push(&rows[start..i]);
            (start, bytes) = (i, size(row));
        }
    }
    if start < rows.len() {
        out.push(&rows[start..]);
    }
    out
}
