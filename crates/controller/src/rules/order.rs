//! What persons ask of the keeper, and what it answers. What does not live here: the answer.

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Wish;
use evenkeel_web::{SilenceTrouble, Silences};

use crate::desk::{self, Desk, Stopping};

/// One question, and where its answer goes.
pub enum Order {
    /// A silence is to be made.
    Make {
        /// Which.
        wish: Wish,
        /// Who wishes it.
        by: String,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A silence is to be ended.
    End {
        /// Which.
        name: String,
        /// Who wishes it.
        by: String,
        /// Why; may be empty.
        reason: String,
        /// Where the answer goes.
        reply: Reply,
    },
}

/// Where an answer goes.
pub(super) type Reply = desk::Reply<MadeSilence, SilenceTrouble>;

#[async_trait]
impl Silences for Desk<Order> {
    async fn make(&self, wish: Wish, by: &str) -> Result<MadeSilence, SilenceTrouble> {
        let by = by.to_owned();
        self.ask(|reply| Order::Make { wish, by, reply }).await
    }

    async fn end(&self, name: &str, by: &str, reason: &str) -> Result<MadeSilence, SilenceTrouble> {
        let (name, by, reason) = (name.to_owned(), by.to_owned(), reason.to_owned());
        self.ask(|reply| Order::End { name, by, reason, reply }).await
    }
}

impl From<Stopping> for SilenceTrouble {
    fn from(stopping: Stopping) -> Self {
        Self::Away(stopping.to_string())
    }
}
