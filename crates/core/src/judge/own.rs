//! The verdict about evenkeel's own database: how much of the disk it takes up. What does not live here: how that is
//! read (the store), and what makes it less (retention).

use std::sync::Arc;

use crate::coverage::{Fact, Gap, GapKind};
use crate::drift::{Difference, Drift, Evidence, Verdict, size_words};
use crate::event::EventType;
use crate::id::{DriftId, Field, SourceId, SourceKind, Subject};

/// The database, as the subject of its own drift.
pub fn own_store() -> SourceId {
    SourceId::new(SourceKind::Store, "evenkeel")
}

/// What is known about evenkeel's own database at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStore {
    /// Where it is, as the operator knows it: a path, or an address without credentials.
    pub at: Arc<str>,
    /// Bytes on the disk; unknown while it is away.
    pub size: Fact<u64>,
    /// When that was read.
    pub read_at: jiff::Timestamp,
}

impl OwnStore {
    /// What a verdict on it rests on.
    pub fn evidence(&self) -> Evidence {
        Evidence { source: own_store(), observed_at: self.read_at }
    }

    /// Whether it is larger than it may be (`None`: as large as it likes). Below nine tenths of the limit it is not;
    /// between the two nobody can say, so that a database that hovers about its limit does not come and go.
    pub fn verdict(&self, limit: Option<u64>) -> Verdict {
        let bytes = match self.size.known() {
            Ok(bytes) => *bytes,
            Err(gap) => return Verdict::Unknown(gap.clone()),
        };
        let Some(limit) = limit else {
            return Verdict::Clean(self.evidence());
        };
        if bytes >= limit {
            let whole = DriftId::of(Subject::Source(own_store()), EventType::ResourceExceeded);
            let id = DriftId { field: Some(Field::Database), ..whole };
            let difference = Difference::TooLarge { at: self.at.clone(), bytes, limit };
            return Verdict::Drifted(Drift::new(id, difference, self.evidence()));
        }
        let under = limit - limit / 10;
        if bytes < under {
            return Verdict::Clean(self.evidence());
        }
        Verdict::Unknown(Gap::new(
            GapKind::NotYetObserved,
            format!(
                "{} lies between the thresholds of {} and {}",
                size_words(bytes),
                size_words(under),
                size_words(limit)
            ),
        ))
    }
}
