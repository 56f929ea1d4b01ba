//! The engine of repairs: looks at every drift and every proposal, asks the planner, keeps what it says, and only then
//! sends. One task, and the only writer of proposals: what persons and receivers say reaches it as an [`order`].
//!
//! What lives here: the loop and its turns. What does not: what is proposed, held back and verified, which is
//! [`evenkeel_core::remediation`]; how a request travels, which is `evenkeel_sinks::action`.

mod answers;
mod engine;
pub mod facts;
pub mod figures;
mod known;
pub mod look;
mod order;
mod register;
mod send;
mod sending;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::Secret;
use evenkeel_core::remediation::Policy;
use evenkeel_sinks::action::ActionSink;
use url::Url;

pub use engine::Engine;
pub use order::{Order, Reply, Said};

/// What the operator decided about repairs, and whom it needs.
#[derive(Default)]
pub struct Remedies {
    /// Rules, actions, guards. By default nothing runs.
    pub policy: Policy,
    /// Where each action is sent, by its name.
    pub receivers: BTreeMap<Arc<str>, Arc<ActionSink>>,
    /// Where receivers reach this evenkeel.
    pub callback: Option<Url>,
    /// What no output may show.
    pub secrets: Vec<Secret>,
    /// Under which lease this process leads.
    pub epoch: u64,
}
