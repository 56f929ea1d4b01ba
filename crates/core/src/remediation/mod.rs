//! The remediation planner: which repair may be proposed for which drift, how a proposal lives, and what may run now.
//!
//! Pure, as everything here: no clock, no I/O. [`plan()`] looks at the drifts, the proposals and the operator's rules and
//! says what to propose, what time and observation ask of the proposals there are, what to dispatch, and what holds the
//! rest back. [`step()`] is the only way a proposal changes. The shell commits what both return and carries it out.
//!
//! A callback is a claim; only an observation that began after it verifies.

pub mod brake;
pub mod guard;
mod input;
mod notice;
mod plan;
mod proposal;
mod reason;
mod record;
pub mod rule;
mod said;
mod set_back;
mod settle;
mod shown;
mod sight;
mod state;
mod step;
pub mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use brake::{BrakeLimits, BrakeReason, BrakeState, Engaged, Fleet};
pub use guard::{Controls, Guards, Halt, REMEMBERED};
pub use input::{Claim, Input, Refused, SendFailure};
pub use notice::{Kind as NoticeKind, Notice};
pub use plan::{Facts, Held, Plan, Waiting, plan, rehearse};
pub use proposal::{Content, Draft, Key, Patience, Proposal, ProposalId};
pub use reason::Reason;
pub use record::{Code, JournalEntry};
pub use rule::{Action, Effect, Mode, Param, Params, Rule};
pub use said::{Output, line};
pub use shown::ProposalLine;
pub use sight::{Look, Observation, Saw, Sight, Standing, Unfit};
pub use state::{Answer, Approval, Approver, Phase, Run, State};
pub use step::{Stepped, step};
pub use window::{Sense, Window};

/// Everything the operator decided about repairs. The default runs nothing: no rule, and not switched on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Whether anything is proposed at all.
    pub enabled: bool,
    /// In the order of the file; the first that selects a drift decides.
    pub rules: Vec<Rule>,
    /// The allow-list: what rules may ask for, by name.
    pub actions: BTreeMap<Arc<str>, Action>,
    /// What holds approved proposals back.
    pub guards: Guards,
}
