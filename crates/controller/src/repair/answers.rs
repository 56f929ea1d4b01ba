//! What persons and receivers say, and what they are answered. Each answer is given once what it says is kept. What does
//! not live here: whether a step is possible; [`evenkeel_core::remediation::step()`] decides it.

use evenkeel_core::remediation::{
    Claim, Controls, Input, JournalEntry, Key, Output, ProposalLine, Refused, step,
};
use evenkeel_store::Callback;
use evenkeel_web::{Answered, Claimed, Decision, RepairTrouble, Switch, Switched};
use jiff::Timestamp;

use super::engine::{Engine, NotKept};
use super::order::{Order, Said};
use super::register::Change;
use super::sending::hash_of;
use crate::collect::now;

impl Engine {
    /// Does what is asked, and answers. Nobody waiting for the answer any more is no error.
    pub(super) async fn obey(&mut self, order: Order) {
        match order {
            // Whoever was told that it takes too long does not expect it to be done later.
            Order::Decide { reply, .. } if reply.is_closed() => {}
            Order::Switch { reply, .. } if reply.is_closed() => {}
            Order::Decide { which, decision, said, reply } => {
                let _ = reply.send(self.decide(&which, decision, said).await);
            }
            Order::Switch { switch, said, reply } => {
                let _ = reply.send(self.switch(switch, said).await);
            }
            Order::Answered { claimed, reply } => {
                let _ = reply.send(self.answered(claimed).await);
            }
            Order::Rehearse { reply } => {
                let _ = reply.send(Ok(self.rehearsal(now())));
            }
        }
    }

    async fn decide(
        &mut self,
        which: &str,
        decision: Decision,
        said: Said,
    ) -> Result<ProposalLine, RepairTrouble> {
        let proposal = self.register.find(which)?;
        let (by, reason) = (said.by.as_str().into(), said.reason.as_str().into());
        let input = match decision {
            Decision::Approve => Input::Approve { by, reason },
            Decision::Reject => Input::Reject { by, reason },
        };
        let now = now();
        let (after, journal) = step(proposal, input, now).map_err(|why| refused(&why))?;
        let line = ProposalLine::from(&after);
        if after != *proposal {
            let change = Change { proposals: vec![after], journal, ..Change::default() };
            self.keep(change, now).await?;
        }
        Ok(line)
    }

    async fn switch(&mut self, switch: Switch, Said { by, reason }: Said) -> Result<Switched, RepairTrouble> {
        let now = now();
        let Controls { halt, brake } = self.register.controls();
        let turned: Option<(Controls, JournalEntry)> = match switch {
            // Pulled twice, it says who pulled it first.
            Switch::Halt if halt.is_some() => None,
            Switch::Halt => Some(self.register.controls().halt(&by, &reason, now)),
            Switch::Resume => self.register.controls().resume(&by, &reason, now),
            Switch::Release => brake
                .release(&by, &reason, now)
                .map(|(brake, entry)| (Controls { brake, halt: halt.clone() }, entry)),
        };
        let changed = turned.is_some();
        if let Some((controls, entry)) = turned {
            let change = Change { controls: Some(controls), journal: vec![entry], ..Change::default() };
            self.keep(change, now).await?;
        }
        Ok(Switched { changed, controls: self.register.controls().clone() })
    }

    async fn answered(&mut self, claimed: Claimed) -> Result<Answered, RepairTrouble> {
        let now = now();
        let hash = hash_of(&claimed.token);
        let callback = match self.hub.store.callback(hash).await {
            Ok(Some(callback)) => callback,
            Ok(None) => return Err(RepairTrouble::Unknown("this callback was never handed out".to_owned())),
            Err(error) => {
                self.failed(&error);
                return Err(away());
            }
        };
        let Callback { proposal: key, expires_at, used_at } = callback;
        let Some(proposal) = self.register.get(&key) else {
            return Err(RepairTrouble::Over("its proposal was over long ago".to_owned()));
        };
        let claim = self.claim(&claimed);
        let known = |state| Ok(Answered { proposal: key.to_string(), state, known: true });
        let (after, journal) = match step(proposal, Input::Callback(claim), now) {
            Ok((after, _)) if after == *proposal => return known(after.state().as_str()),
            Ok(stepped) => stepped,
            Err(why) => return Err(refused(&why)),
        };
        if used_at.is_some() {
            return Err(RepairTrouble::Refused(
                "this callback was used already; the first word stands".to_owned(),
            ));
        }
        if now >= expires_at {
            return Err(expired(&key, expires_at));
        }
        let state = after.state().as_str();
        let change = Change { proposals: vec![after], journal, used: Some(hash), ..Change::default() };
        self.keep(change, now).await?;
        self.sends.remove(&key);
        Ok(Answered { proposal: key.to_string(), state, known: false })
    }

    fn claim(&self, Claimed { token: _, succeeded, output }: &Claimed) -> Claim {
        let output = Output::new(output, &self.remedies.secrets);
        if *succeeded { Claim::Succeeded(output) } else { Claim::Failed(output) }
    }
}

fn expired(key: &Key, at: Timestamp) -> RepairTrouble {
    RepairTrouble::Over(format!("this callback of {} was valid until {at}", key.handle()))
}

fn refused(why: &Refused) -> RepairTrouble {
    RepairTrouble::Refused(why.to_string())
}

fn away() -> RepairTrouble {
    RepairTrouble::Away("nothing can be kept at this moment; nothing was done".to_owned())
}

impl From<NotKept> for RepairTrouble {
    fn from(_: NotKept) -> Self {
        away()
    }
}
