//! Faults that every simulated system can be told to have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without an answer.
    Reset,
    /// The answer comes after this long.
    Slow(Duration),
    /// No answer, ever; the connection stays open.
    Hang,
    /// This status with the system's own error body.
    Status(u16),
    /// 200 with an empty list.
    EmptyList,
    /// 200 with half of the body; the connection then ends as if that were all.
    Truncated,
    /// 200 with a body that is not JSON.
    Malformed,
    /// The first row of a list twice.
    DuplicateRow,
    /// Headers and the first bytes of the body, then a reset.
    ResetMidStream,
}

/// The faults of one simulated system, by path prefix (`""` = everything). Shared, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<BTreeMap<String, Fault>>>);

impl Faults {
    /// From now on, requests whose path starts with `prefix` have this fault. The longest prefix wins.
    pub fn set(&self, prefix: impl Into<String>, fault: Fault) {
        self.lock().insert(prefix.into(), fault);
    }

    /// The fault set for exactly this prefix ends.
    pub fn clear(&self, prefix: &str) {
        self.lock().remove(prefix);
    }

    /// All is well again.
    pub fn clear_all(&self) {
        self.lock().clear();
    }

    /// The fault a request to this path has.
    pub fn of(&self, path: &str) -> Option<Fault> {
        self.lock()
            .iter()
            .filter(|(prefix, _)| path.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, fault)| fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
