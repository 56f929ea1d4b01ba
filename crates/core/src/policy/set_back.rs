//! The clock was set back behind the making of a silence.

use jiff::Timestamp;

use super::silence::{MadeSilence, whole};

impl MadeSilence {
    /// Made later than now, it was made now, and what began at once holds now. It ends when it was said to.
    pub fn set_back(&mut self, now: Timestamp) {
        let now = whole(now);
        if self.made_at > now {
            if self.starts <= self.made_at {
                self.starts = now;
            }
            self.made_at = now;
        }
    }
}
