//! The clock was set back: what was done about a drift was done by now, and no deadline is further away than it may be.
//! What does not live here: how that is noticed.

use jiff::Timestamp;

use super::proposal::{Proposal, later};
use super::state::{Approval, Run, State};

impl Proposal {
    /// Says of whatever is said to have happened after now that it happened now. What it is about stays as it was: by that it
    /// is known.
    pub fn set_back(&mut self, now: Timestamp) {
        let Self { id: _, key: _, content: _, severity: _, patience, created_at, expires_at, state } = self;
        *created_at = now.min(*created_at);
        *expires_at = later(now, patience.approve).min(*expires_at);
        match state {
            State::Proposed => {}
            State::Approved { approval } => approval.set_back(now),
            State::Rejected { by: _, reason: _, at }
            | State::Expired { at }
            | State::Withdrawn { why: _, at }
            | State::Escalated { run: None, why: _, at } => *at = now.min(*at),
            State::Dispatched { run, failures: _, last_error: _ } => run.set_back(now),
            State::Acknowledged { run, at }
            | State::Succeeded { run, at, output: _ }
            | State::Failed { run, at, output: _ }
            | State::TimedOut { run, at, late: _ }
            | State::Verified { run, answer: _, at }
            | State::NotVerified { run, answer: _, at }
            | State::Escalated { run: Some(run), why: _, at } => {
                run.set_back(now);
                *at = now.min(*at);
            }
        }
    }
}

impl Approval {
    fn set_back(&mut self, now: Timestamp) {
        let Self { by: _, reason: _, at } = self;
        *at = now.min(*at);
    }
}

impl Run {
    fn set_back(&mut self, now: Timestamp) {
        let Self { approval, at, epoch: _ } = self;
        approval.set_back(now);
        *at = now.min(*at);
    }
}
