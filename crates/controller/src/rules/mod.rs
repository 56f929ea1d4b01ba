//! The rules in force: those of the configuration, and silences made at run time. What lives here: which policy holds now,
//! the task that changes it ([`Keeper`]), and what persons ask of it ([`Order`]). What does not: whom a rule covers,
//! which is [`evenkeel_core::policy`].

mod hits;
mod keeper;
mod order;
mod shown;

use std::sync::{Arc, PoisonError, RwLock};

use evenkeel_core::policy::{MadeSilence, Policy};

pub use hits::Hits;
pub use keeper::Keeper;
pub use order::Order;
pub use shown::lines;

/// The policy that holds now. It changes with every silence that is made or ended.
#[derive(Debug)]
pub struct InForce {
    configured: Arc<Policy>,
    now: RwLock<Edition>,
}

/// The policy as it was at some time.
#[derive(Clone, Debug)]
pub struct Edition {
    /// Counted up with every change, from 1 on.
    pub number: u64,
    /// The rules.
    pub policy: Arc<Policy>,
    /// The silences in it that were made at run time.
    pub made: Arc<[MadeSilence]>,
}

impl InForce {
    /// What the configuration says, and silences made earlier.
    pub fn new(configured: Arc<Policy>, made: &[MadeSilence]) -> Self {
        let first = Edition { number: 1, policy: Arc::new(configured.with(made)), made: made.into() };
        Self { configured, now: RwLock::new(first) }
    }

    /// What holds now.
    pub fn now(&self) -> Edition {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the configuration says.
    pub fn configured(&self) -> &Policy {
        &self.configured
    }

    /// From now on these silences hold beside the configuration's.
    fn replace(&self, made: &[MadeSilence]) {
        let policy = Arc::new(self.configured.with(made));
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        *now = Edition { number: now.number + 1, policy, made: made.into() };
    }
}
