//! What the token may see, how much is answered at once, and answers other than they should be.
//!
//! What does not live here: faults of the connection (`crate::fault`).

use jiff::SignedDuration;
use serde_json::Value;

use super::edit::NetBox;

/// What becomes of the answer to a write that was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aftermath {
    /// It arrives.
    #[default]
    Answered,
    /// The connection is closed without it.
    Lost,
    /// It never comes, and the connection stays open.
    Silence,
}

impl NetBox {
    /// The token may not see this model at all: 403.
    pub fn deny(&self, content_type: &str) {
        self.lock().denied.insert(content_type.to_owned());
    }

    /// The tokens may not add to this model, whatever they may see of it.
    pub fn deny_adding(&self, content_type: &str) {
        self.lock().not_added.insert(content_type.to_owned());
    }

    /// What becomes of the answers to writes from now on.
    pub fn set_aftermath(&self, aftermath: Aftermath) {
        self.lock().aftermath = aftermath;
    }

    /// The token may do everything again.
    pub fn allow_all(&self) {
        let mut state = self.lock();
        state.not_added.clear();
        state.denied.clear();
        state.hidden.clear();
    }

    /// A permission's constraints hide this object: 200 without it.
    pub fn hide(&self, content_type: &str, id: u64) {
        self.lock().hidden.insert((content_type.to_owned(), id));
    }

    /// `MAX_PAGE_SIZE`.
    pub fn set_max_page_size(&self, rows: usize) {
        self.lock().max_page_size = rows;
    }

    /// Whether something in front drops the query of every request.
    pub fn set_ignores_queries(&self, ignores: bool) {
        self.lock().ignores_queries = ignores;
    }

    /// Its clock is this far ahead of everybody else's.
    pub fn set_clock(&self, ahead: SignedDuration) {
        self.lock().clock = ahead;
    }

    /// From now on keys of this row are answered with these values, whatever the row is.
    pub fn mangle(&self, content_type: &str, id: u64, with: Value) {
        self.lock().mangled.insert((content_type.to_owned(), id), with);
    }
}
