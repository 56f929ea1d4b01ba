//! What time and observation ask of the proposals there are: to expire, to be withdrawn, to time out, to be verified, to
//! be handed to a person. What does not live here: new proposals, and what may run.

use std::sync::Arc;

use jiff::Timestamp;

use super::guard::attempts;
use super::input::Input;
use super::plan::{Index, Wanted};
use super::proposal::{Proposal, before, later};
use super::sight::{Saw, Sight, Standing};
use super::state::{Phase, State};
use super::step::step;
use super::{Policy, Reason};

/// The input that is due for one proposal, if one is.
pub(super) fn due(proposal: &Proposal, index: &Index<'_>, policy: &Policy, now: Timestamp) -> Option<Input> {
    let sight = index.sights.get(&proposal.id.drift).copied();
    match proposal.phase() {
        Phase::Waiting if now >= proposal.expires_at => Some(Input::Expire),
        Phase::Waiting => waiting(proposal, sight?, index, policy, now),
        Phase::Running => {
            let run = proposal.state().run()?;
            (now >= later(run.at, proposal.patience.answer)).then_some(Input::TimedOut)
        }
        Phase::Unverified => unverified(proposal, sight, policy, now),
        Phase::Over => given_up(proposal, sight?, index, policy, now),
    }
}

fn waiting(
    proposal: &Proposal,
    sight: &Sight,
    index: &Index<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Option<Input> {
    let withdraw = |why: &str| Some(Input::Withdraw { why: Arc::from(why) });
    let occasion = match &sight.standing {
        Standing::Open { since: _, under: Some(root), unfit: _ } => {
            return withdraw(&format!("it is a consequence of {root}"));
        }
        Standing::Open { since, under: None, unfit: _ } => *since,
        Standing::NotOpen => return withdraw("the drift went away by itself"),
        // What nobody can see may be there still.
        Standing::Unknown(_) => return None,
    };
    if occasion != proposal.id.occasion {
        return withdraw("the drift went away and came back");
    }
    match Wanted::by(policy, sight) {
        Wanted::Nothing => return withdraw("no rule asks for it any more"),
        Wanted::Unaddressed(_) => return None,
        Wanted::Content { content, .. } if content != proposal.content => {
            return withdraw("its rule, or what the action would be told, has changed");
        }
        Wanted::Content { .. } => {}
    }
    spent(proposal, index, policy, now)
}

fn unverified(proposal: &Proposal, sight: Option<&Sight>, policy: &Policy, now: Timestamp) -> Option<Input> {
    if let Some(sight) = sight {
        let input = Input::Observed(sight.observation.clone());
        if step(proposal, input.clone(), now).is_ok_and(|(after, _)| after != *proposal) {
            return Some(input);
        }
    }
    let (_, answered) = proposal.state().answer()?;
    let patience = later(later(answered, proposal.patience.verify), policy.guards.unseen_after);
    if now < patience {
        return None;
    }
    let gap = sight.and_then(|sight| match &sight.observation.saw {
        Saw::Nothing(gap) => Some(gap.to_string()),
        Saw::Drift | Saw::Gone => None,
    });
    let why = match gap {
        Some(gap) => format!("was dispatched, and nobody can see whether it worked ({gap})"),
        None => "was dispatched, and nobody has looked whether it worked".to_owned(),
    };
    Some(Input::Escalate { why: Arc::from(why) })
}

/// The last attempt did not help, and there is none left.
fn given_up(
    proposal: &Proposal,
    sight: &Sight,
    index: &Index<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Option<Input> {
    let Some((false, _)) = proposal.outcome() else {
        return None;
    };
    let open = match &sight.standing {
        Standing::Open { since, under: None, unfit: _ } => *since == proposal.id.occasion,
        Standing::Open { .. } | Standing::NotOpen | Standing::Unknown(_) => false,
    };
    let escalated = matches!(proposal.state(), State::Escalated { .. });
    let newest = !index
        .of(&proposal.id.drift)
        .any(|other| other.id.occasion == proposal.id.occasion && other.id.number > proposal.id.number);
    if escalated || !open || !newest {
        return None;
    }
    spent(proposal, index, policy, now)
}

fn spent(proposal: &Proposal, index: &Index<'_>, policy: &Policy, now: Timestamp) -> Option<Input> {
    let id = &proposal.id;
    let used = attempts(index.of(&id.drift), id.occasion, &policy.guards, now);
    (used >= policy.guards.attempts).then(|| Input::Escalate {
        why: Arc::from(format!("was tried {used} times, and the drift is still there")),
    })
}

/// Whether the drift has been open for as long as its rule asks.
pub(super) fn old_enough(
    since: Timestamp,
    min_age: jiff::SignedDuration,
    now: Timestamp,
) -> Result<(), Reason> {
    // What was opened by a clock that was ahead is older than that clock's being set back.
    if since <= before(now, min_age) || since > now {
        Ok(())
    } else {
        Err(Reason::TooYoung { until: later(since, min_age) })
    }
}
