//! Passes of several workers share a transaction: whoever comes while another commits waits, and the next one commits
//! for all that wait. One disk flush then serves many hosts.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::types::{Committed, PassCommit};

type Waiting = (PassCommit, oneshot::Sender<Result<Committed>>);

/// A database that commits passes together.
#[async_trait]
pub(crate) trait Committer: Send + Sync + 'static {
    /// Commits passes of different subjects in one transaction. An outer error means that nothing was written.
    async fn commit_together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>>;

    /// The database as the operator knows it.
    fn at(&self) -> &str;

    /// Who waits.
    fn queue(&self) -> &Queue;
}

/// Who waits to be committed, and whose turn it is to do it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
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
pub(crate) async fn commit<C: Committer>(inner: &Arc<C>, pass: PassCommit) -> Result<Committed> {
    let (answer, mut answered) = oneshot::channel();
    inner.queue().push((pass, answer));
    let turn = inner.queue().turn.lock().await;
    if let Ok(outcome) = answered.try_recv() {
        return outcome;
    }
    let batch = inner.queue().take();
    if batch.len() > 1 {
        // On a task of its own: this future may be dropped, and the others' passes are not its to drop.
        let inner = Arc::clone(inner);
        // A task that cannot be joined panicked or ended with the runtime; the answers below tell.
        let _ = tokio::spawn(async move { run(&*inner, batch).await }).await;
    } else {
        run(&**inner, batch).await;
    }
    drop(turn);
    answered.await.unwrap_or_else(|_| {
        let why = "the commit was interrupted; whether it was written, the revision tells".to_owned();
        Err(Error::Unavailable { at: inner.at().to_owned(), why, source: None })
    })
}

async fn run<C: Committer>(inner: &C, batch: Vec<Waiting>) {
    let (passes, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let outcomes = commit_all(inner, passes).await;
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever does not wait any more will find the revision.
        let _ = answer.send(outcome);
    }
}

/// Commits several passes, in rounds in which no subject occurs twice: a later pass of a subject builds on the earlier
/// one, and set-based statements do not know which came first.
pub(crate) async fn commit_all<C: Committer>(inner: &C, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
    let mut outcomes: Vec<Option<Result<Committed>>> = passes.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..passes.len()).collect();
    while !left.is_empty() {
        let mut subjects = std::collections::HashSet::new();
        let (now, later): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|&i| subjects.insert(&passes[i].subject));
        left = later;
        round(inner, &passes, &now, &mut outcomes).await;
    }
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(unanswered(inner)))).collect()
}

async fn round<C: Committer>(
    inner: &C,
    passes: &[PassCommit],
    round: &[usize],
    outcomes: &mut [Option<Result<Committed>>],
) {
    let members: Vec<&PassCommit> = round.iter().map(|&i| &passes[i]).collect();
    match inner.commit_together(&members).await {
        Ok(results) => {
            for (&i, result) in round.iter().zip(results) {
                outcomes[i] = Some(result);
            }
        }
        // One of them contradicts what is there; alone, each finds out for itself.
        Err(Error::Refused { .. }) if round.len() > 1 => {
            for &i in round {
                let alone = inner.commit_together(&[&passes[i]]).await;
                outcomes[i] =
                    Some(alone.and_then(|mut one| one.pop().unwrap_or_else(|| Err(unanswered(inner)))));
            }
        }
        Err(error) => round.iter().for_each(|&i| outcomes[i] = Some(Err(error.again()))),
    }
}

fn unanswered<C: Committer>(inner: &C) -> Error {
    let why = "it gave no answer to a commit".to_owned();
    Error::Unavailable { at: inner.at().to_owned(), why, source: None }
}
