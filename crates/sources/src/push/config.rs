//! Validated settings of one inbox. What does not live here: its token, which whoever opens the door checks, and reading
//! configuration files; that is the controller's.

use std::time::Duration;

use evenkeel_core::{HostName, SourceId};
use wildmatch::WildMatch;

/// What one sender may say, and how long it counts. [`Config::new`] gives the defaults; change what differs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which source this is.
    pub id: SourceId,
    /// Globs of the hosts it may speak about; empty: none.
    pub hosts: Vec<WildMatch>,
    /// After how long an observation no longer counts, by the time the sender gives it.
    pub max_age: Duration,
    /// How far the sender's clock may be ahead of ours.
    pub max_skew: Duration,
}

impl Config {
    /// The defaults for this source, which may speak about these hosts.
    pub fn new(id: SourceId, hosts: Vec<WildMatch>) -> Self {
        Self { id, hosts, max_age: Duration::from_secs(15 * 60), max_skew: Duration::from_secs(5 * 60) }
    }

    /// Whether the sender may speak about this host.
    pub fn speaks_about(&self, host: &HostName) -> bool {
        self.hosts.iter().any(|glob| glob.matches(host.as_str()))
    }
}
