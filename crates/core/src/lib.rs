//! The pure heart of evenkeel.
//!
//! What lives here: names, what was asked and how far the answer reaches, the entities of both truths, the
//! comparison, the ledger, policy. What does not: clocks, randomness, environment, I/O, async, logging. Time and
//! randomness are arguments. Everything is a value that can be printed, compared and stored.

pub mod both;
pub mod brake;
pub mod coverage;
pub mod diff;
pub mod drift;
pub mod event;
pub mod fingerprint;
pub mod fold;
pub mod heartbeat;
pub mod id;
pub mod identity;
pub mod journal;
pub mod judge;
pub mod ledger;
pub mod model;
pub mod policy;
pub mod remediation;
pub mod secret;
pub mod tally;

pub use coverage::{Coverage, EntityKind, Fact, Gap, GapKind, Lookup, Scope};
pub use diff::{Report, diff, diff_source, diff_store};
pub use drift::{Difference, Drift, Evidence, Verdict};
pub use event::{Event, EventType, Severity, Side, Transition};
pub use id::{DriftId, EventId, Field, HostName, ServiceName, SourceId, SourceKind, Subject};
pub use journal::JournalKind;
pub use judge::{Case, OwnStore, PortRule, Rules, judge};
pub use secret::Secret;
pub use tally::Coverages;
