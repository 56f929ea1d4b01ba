//! Passes of several workers share a transaction: whoever comes while another commits waits, and the next one commits
//! for all that wait. One disk flush then serves many hosts.

use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::Inner;
use super::failure::again;
use crate::error::{Error, Result};
use crate::types::{Committed, PassCommit};

type Waiting = (PassCommit, oneshot::Sender<Result<Committed>>);

/// Who waits to be committed, and whose turn it is to do it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: std::sync::Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

impl Queue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        let mut all = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // Nobody waits for the answer any more: the caller gave up, and must not be surprised later.
        all.retain(|(_, answer)| !answer.is_closed());
        all
    }
}

/// Commits one pass, together with whatever else waits.
pub(super) async fn commit(inner: &Arc<Inner>, pass: PassCommit) -> Result<Committed> {
    let (answer, mut answered) = oneshot::channel();
    inner.queue.push((pass, answer));
    let turn = inner.queue.turn.lock().await;
    if let Ok(outcome) = answered.try_recv() {
        return outcome;
    }
    let batch = inner.queue.take();
    if batch.len() > 1 {
        // On a task of its own: this future may be dropped, and the others' passes are not its to drop.
        let inner = Arc::clone(inner);
        // A task that cannot be joined panicked or ended with the runtime; the answers below tell.
        let _ = tokio::spawn(async move { run(&inner, batch).await }).await;
    } else {
        run(inner, batch).await;
    }
    drop(turn);
    answered.await.unwrap_or_else(|_| {
        let why = "the commit was interrupted; whether it was written, the revision tells".to_owned();
        Err(Error::Unavailable { at: inner.at.to_string(), why, source: None })
    })
}

async fn run(inner: &Inner, batch: Vec<Waiting>) {
    let (passes, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let outcomes = inner.commit_all(passes).await;
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever does not wait any more will find the revision.
        let _ = answer.send(outcome);
    }
}

impl Inner {
    /// Commits several passes, in rounds in which no subject occurs twice: a later pass of a subject builds on the
    /// earlier one, and set-based statements do not know which came first.
    pub(super) async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
        let mut outcomes: Vec<Option<Result<Committed>>> = passes.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..passes.len()).collect();
        while !left.is_empty() {
            let mut subjects = std::collections::HashSet::new();
            let (round, later): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|&i| subjects.insert(&passes[i].subject));
            left = later;
            self.round(&passes, &round, &mut outcomes).await;
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(self.closed()))).collect()
    }

    async fn round(
        &self,
        passes: &[PassCommit],
        round: &[usize],
        outcomes: &mut [Option<Result<Committed>>],
    ) {
        let members: Vec<&PassCommit> = round.iter().map(|&i| &passes[i]).collect();
        match self.commit_together(&members).await {
            Ok(results) => {
                for (&i, result) in round.iter().zip(results) {
                    outcomes[i] = Some(result);
                }
            }
            // One of them contradicts what is there; alone, each finds out for itself.
            Err(Error::Refused { .. }) if round.len() > 1 => {
                for &i in round {
                    let alone = self.commit_together(&[&passes[i]]).await;
                    outcomes[i] =
                        Some(alone.and_then(|mut one| one.pop().unwrap_or_else(|| Err(self.closed()))));
                }
            }
            Err(error) => round.iter().for_each(|&i| outcomes[i] = Some(Err(again(&error)))),
        }
    }
}
