//! How a proposal changes. Every input is answered: it changes the proposal, leaves it as it is (a repetition, a late
//! word), or is refused with a reason. None can break it. What does not live here: when which input is due.

use std::sync::Arc;

use jiff::Timestamp;

use super::input::{Claim, Input, Refused, SendFailure};
use super::proposal::{Proposal, about, later};
use super::record::{Code, JournalEntry};
use super::rule::Effect;
use super::said::{Output, line};
use super::sight::{Observation, Saw};
use super::state::{Answer, Approval, Approver, Run, State};

/// What one input leads to: the proposal as it is now, and what there is to write down.
pub type Stepped = Result<(Proposal, Vec<JournalEntry>), Refused>;

/// Applies one input. The same input twice changes nothing the second time.
pub fn step(proposal: &Proposal, input: Input, now: Timestamp) -> Stepped {
    let this = Step { proposal, now };
    match input {
        Input::Approve { by, reason } => this.approve(&by, &reason),
        Input::Reject { by, reason } => this.reject(&by, &reason),
        Input::Expire => this.expire(),
        Input::Withdraw { why } => this.withdraw(&why),
        Input::Dispatch { epoch } => this.dispatch(epoch),
        Input::Accepted => this.accepted(),
        Input::SendFailed(failure) => this.send_failed(failure),
        Input::Callback(claim) => this.callback(claim),
        Input::TimedOut => this.timed_out(),
        Input::Observed(observation) => this.observed(&observation),
        Input::Escalate { why } => this.escalate(&why),
    }
}

struct Step<'a> {
    proposal: &'a Proposal,
    now: Timestamp,
}

impl Step<'_> {
    fn approve(&self, by: &str, reason: &str) -> Stepped {
        let (by, reason) = (line(by), line(reason));
        if by.is_empty() {
            return Err(Refused::Nameless("who approves"));
        }
        match &self.proposal.state {
            State::Approved { .. } => self.same(),
            State::Proposed if self.now >= self.proposal.expires_at => {
                Err(Refused::TooLate(self.proposal.expires_at))
            }
            State::Proposed => {
                let text = match reason.is_empty() {
                    true => format!("{} is approved.", self.what()),
                    false => format!("{} is approved: {reason}", self.what()),
                };
                let approval = Approval { by: Approver::Person(by.clone()), reason, at: self.now };
                let mut stepped = self.becomes(State::Approved { approval }, Code::Approved, by, text)?;
                // Who approves at the last moment does not approve for a moment.
                stepped.0.expires_at = later(self.now, self.proposal.patience.approve);
                Ok(stepped)
            }
            state @ (State::Rejected { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. }
            | State::Dispatched { .. }
            | State::Acknowledged { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::TimedOut { .. }
            | State::Verified { .. }
            | State::NotVerified { .. }
            | State::Escalated { .. }) => Err(Refused::Decided(state.as_str())),
        }
    }

    fn reject(&self, by: &str, reason: &str) -> Stepped {
        let (by, reason) = (line(by), line(reason));
        if by.is_empty() {
            return Err(Refused::Nameless("who rejects"));
        }
        if reason.is_empty() {
            return Err(Refused::Nameless("why it is rejected"));
        }
        if let State::Rejected { .. } = &self.proposal.state {
            return self.same();
        }
        self.must_wait()?;
        let text = format!("{} is rejected: {reason}", self.what());
        self.becomes(State::Rejected { by: by.clone(), reason, at: self.now }, Code::Rejected, by, text)
    }

    fn expire(&self) -> Stepped {
        if let State::Expired { .. } = &self.proposal.state {
            return self.same();
        }
        self.must_wait()?;
        if self.now < self.proposal.expires_at {
            return Err(Refused::NotYet(self.proposal.expires_at));
        }
        let text = if let State::Approved { .. } = &self.proposal.state {
            format!("{} was approved, but nothing let it run in time.", self.what())
        } else {
            format!("Nobody approved {} in time.", self.what())
        };
        self.becomes(State::Expired { at: self.now }, Code::Expired, us(), text)
    }

    fn withdraw(&self, why: &str) -> Stepped {
        if let State::Withdrawn { .. } = &self.proposal.state {
            return self.same();
        }
        self.must_wait()?;
        let why = line(why);
        let text = format!("{} is withdrawn: {why}.", self.what());
        self.becomes(State::Withdrawn { why, at: self.now }, Code::Withdrawn, us(), text)
    }

    fn dispatch(&self, epoch: u64) -> Stepped {
        let State::Approved { approval } = &self.proposal.state else {
            return Err(Refused::NotApproved(self.proposal.state.as_str()));
        };
        if self.now >= self.proposal.expires_at {
            return Err(Refused::TooLate(self.proposal.expires_at));
        }
        let run = Run { approval: approval.clone(), at: self.now, epoch };
        let text = format!("{} is dispatched.", self.what());
        let state = State::Dispatched { run, failures: 0, last_error: None };
        self.becomes(state, Code::Dispatched, us(), text)
    }

    fn accepted(&self) -> Stepped {
        self.must_have_run()?;
        let State::Dispatched { run, .. } = &self.proposal.state else {
            return self.same();
        };
        let text = format!("{} has been accepted.", self.what());
        let state = State::Acknowledged { run: run.clone(), at: self.now };
        self.becomes(state, Code::Acknowledged, self.receiver(), text)
    }

    fn send_failed(&self, failure: SendFailure) -> Stepped {
        self.must_have_run()?;
        let State::Dispatched { run, failures, last_error } = &self.proposal.state else {
            return self.same();
        };
        match failure {
            SendFailure::ForGood(why) => {
                let output = Output::new(&why, &[]);
                let text = format!("{} was refused: {}", self.what(), line(&why));
                let state = State::Failed { run: run.clone(), at: self.now, output };
                self.becomes(state, Code::Failed, self.receiver(), text)
            }
            SendFailure::ForNow(why) => {
                let why = line(&why);
                let news = last_error.as_ref() != Some(&why);
                let text = format!("{} could not be sent yet: {why}", self.what());
                let failures = failures.saturating_add(1);
                let state = State::Dispatched { run: run.clone(), failures, last_error: Some(why) };
                let (proposal, journal) = self.becomes(state, Code::SendFailed, us(), text)?;
                // The same failure again is counted, not said.
                Ok((proposal, if news { journal } else { Vec::new() }))
            }
        }
    }

    fn callback(&self, claim: Claim) -> Stepped {
        self.must_have_run()?;
        let (answer, output) = match claim {
            Claim::Succeeded(output) => (Answer::Succeeded, output),
            Claim::Failed(output) => (Answer::Failed, output),
        };
        match &self.proposal.state {
            State::Dispatched { run, .. } | State::Acknowledged { run, .. } => {
                self.answered(run, answer, output)
            }
            State::Succeeded { .. } => self.same_unless(answer, Answer::Succeeded),
            State::Failed { .. } => self.same_unless(answer, Answer::Failed),
            // There is nothing else to know of a message than its answer: late is better than a second message.
            State::TimedOut { run, .. } if self.proposal.content.effect == Effect::Tell => {
                self.answered(run, answer, output)
            }
            State::TimedOut { late: Some(first), .. } => self.same_unless(answer, *first),
            State::TimedOut { run, at, late: None } => {
                let state = State::TimedOut { run: run.clone(), at: *at, late: Some(answer) };
                let text = format!("{} was answered after its time was up: {output}", self.what());
                self.becomes(state, Code::AnsweredLate, self.receiver(), text)
            }
            // What was seen outweighs what is said.
            State::Verified { .. } | State::NotVerified { .. } | State::Escalated { .. } => self.same(),
            state @ (State::Proposed
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. }) => Err(Refused::NotDispatched(state.as_str())),
        }
    }

    fn answered(&self, run: &Run, answer: Answer, output: Output) -> Stepped {
        let (run, at) = (run.clone(), self.now);
        // Its proposal may be verified and forget it; the journal does not.
        let said = match line(output.as_str()) {
            said if said.is_empty() => String::from("."),
            said => format!(": {said}"),
        };
        let (state, code, word) = match answer {
            Answer::Succeeded => (State::Succeeded { run, at, output }, Code::Succeeded, "succeeded"),
            Answer::Failed | Answer::TimedOut => (State::Failed { run, at, output }, Code::Failed, "failed"),
        };
        let text = format!("{} has {word}, as its receiver says{said}", self.what());
        self.becomes(state, code, self.receiver(), text)
    }

    fn timed_out(&self) -> Stepped {
        let run = self.must_have_run()?;
        let (State::Dispatched { .. } | State::Acknowledged { .. }) = &self.proposal.state else {
            return self.same();
        };
        let due = later(run.at, self.proposal.patience.answer);
        if self.now < due {
            return Err(Refused::NotYet(due));
        }
        let text = if let State::Dispatched { last_error: Some(why), .. } = &self.proposal.state {
            format!("{} could not be sent in time: {why}", self.what())
        } else {
            format!("{} was not answered in time.", self.what())
        };
        let state = State::TimedOut { run: run.clone(), at: self.now, late: None };
        self.becomes(state, Code::TimedOut, us(), text)
    }

    /// Only what began after the answer can say whether the answer is true; and what is still there may be on its way.
    fn observed(&self, observation: &Observation) -> Stepped {
        let (Some(run), Some((answer, answered))) = (self.proposal.state.run(), self.proposal.state.answer())
        else {
            return self.same();
        };
        if self.proposal.content.effect == Effect::Tell || observation.began < answered {
            return self.same();
        }
        let (run, at) = (run.clone(), self.now);
        match &observation.saw {
            Saw::Nothing(_) => self.same(),
            Saw::Gone => {
                let text = format!("{} worked: the drift is gone.", self.what());
                self.becomes(State::Verified { run, answer, at }, Code::Verified, us(), text)
            }
            Saw::Drift if observation.began < later(answered, self.proposal.patience.verify) => self.same(),
            Saw::Drift => {
                let text = format!("{} did not help: the drift is still there.", self.what());
                self.becomes(State::NotVerified { run, answer, at }, Code::NotVerified, us(), text)
            }
        }
    }

    fn escalate(&self, why: &str) -> Stepped {
        let run = match &self.proposal.state {
            State::Escalated { .. } => return self.same(),
            State::Proposed | State::Approved { .. } => None,
            State::NotVerified { run, .. }
            | State::Succeeded { run, .. }
            | State::Failed { run, .. }
            | State::TimedOut { run, .. }
                if self.proposal.outcome().is_none_or(|(worked, _)| !worked) =>
            {
                Some(run.clone())
            }
            state @ (State::NotVerified { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::TimedOut { .. }
            | State::Rejected { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. }
            | State::Dispatched { .. }
            | State::Acknowledged { .. }
            | State::Verified { .. }) => return Err(Refused::Decided(state.as_str())),
        };
        let why = line(why);
        let text = format!("A person is needed: {} {why}.", self.what());
        self.becomes(State::Escalated { run, why, at: self.now }, Code::Escalated, us(), text)
    }

    fn what(&self) -> String {
        format!("{} for {}", self.proposal.content.action, about(&self.proposal.id.drift))
    }

    fn receiver(&self) -> Arc<str> {
        Arc::from(format!("action {}", self.proposal.content.action))
    }

    fn must_wait(&self) -> Result<(), Refused> {
        match &self.proposal.state {
            State::Proposed | State::Approved { .. } => Ok(()),
            state @ (State::Rejected { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. }
            | State::Dispatched { .. }
            | State::Acknowledged { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::TimedOut { .. }
            | State::Verified { .. }
            | State::NotVerified { .. }
            | State::Escalated { .. }) => Err(Refused::Decided(state.as_str())),
        }
    }

    fn must_have_run(&self) -> Result<&Run, Refused> {
        self.proposal.state.run().ok_or(Refused::NotDispatched(self.proposal.state.as_str()))
    }

    fn same(&self) -> Stepped {
        Ok((self.proposal.clone(), Vec::new()))
    }

    fn same_unless(&self, answer: Answer, first: Answer) -> Stepped {
        if answer == first { self.same() } else { Err(Refused::Contradicts(first)) }
    }

    fn becomes(&self, state: State, code: Code, actor: Arc<str>, text: String) -> Stepped {
        let proposal = Proposal { state, ..self.proposal.clone() };
        let entry = proposal.note(code, self.now, actor, text);
        Ok((proposal, vec![entry]))
    }
}

fn us() -> Arc<str> {
    Arc::from(JournalEntry::SELF)
}
