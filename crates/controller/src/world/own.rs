//! evenkeel's own database as a part of the world: nobody's witness, watched itself.

use std::sync::Arc;

use evenkeel_core::judge::own_store;
use evenkeel_core::{Fact, Gap, GapKind, OwnStore, SourceId, Subject};
use jiff::Timestamp;

use super::World;
use crate::queue::Key;

impl World {
    /// Takes what was read about the own database. Always worth a pass: rare and cheap.
    pub fn learn_own(&mut self, own: OwnStore) -> Key {
        self.own = Some(own);
        self.stamps.key(&Subject::Source(own_store()))
    }

    /// The own database, if that is what the source is.
    pub(super) fn own(&self, source: &SourceId) -> Option<OwnStore> {
        // Until it was read, nothing about it is known: not that it is small, either.
        let not_yet = || OwnStore {
            at: Arc::from(""),
            size: Fact::Unknown(Gap::new(GapKind::NotYetObserved, "its size was not read yet")),
            read_at: Timestamp::UNIX_EPOCH,
        };
        (*source == own_store()).then(|| self.own.clone().unwrap_or_else(not_yet))
    }
}
