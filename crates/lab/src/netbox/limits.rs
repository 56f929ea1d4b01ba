//! What the token may see, how much is answered at once, and answers other than they should be.
//!
//! What does not live here: faults of the connection (`crate::fault`).

use jiff::SignedDuration;
use serde_json::Value;

use super::edit::NetBox;

impl NetBox {
    /// The token may not see this model at all: 403.
    pub fn deny(&self, content_type: &str) {
        self.lock().denied.insert(content_type.to_owned());
    }

    /// The token may see every model again.
    pub fn allow_all(&self) {
        let mut state = self.lock();
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
