//! Beside the store: slow answers, failures, answers that are lost after the store did what was asked, and the moment at
//! which the process dies.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_store::{Error, Result};
use evenkeel_tests::load::Random;
use evenkeel_tests::moody;
use tokio::sync::Notify;

/// What the store does wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It takes up to so many milliseconds before and after.
    Slow(u64),
    /// Every call fails.
    Away,
    /// Writes fail for want of space.
    Full,
    /// One in three writes is done, and its answer lost.
    LosesAnswers,
}

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// At the so-manieth write from now.
    pub writes: u64,
    /// After it was done.
    pub after: bool,
}

/// Beside the store.
pub struct Watch {
    trouble: Mutex<Trouble>,
    death: Mutex<Option<Death>>,
    random: Mutex<Random>,
    /// How long each way to the store takes at most even when it is well, in milliseconds: what changes meanwhile must not
    /// be missed.
    usual: u64,
    /// Conflicts, which a controller that is alone never meets unless an answer was lost.
    conflicts: Mutex<u64>,
    lost: Mutex<u64>,
    /// Rings when the process dies.
    pub died: Notify,
}

impl Watch {
    /// Nothing goes wrong yet.
    pub fn new(seed: u64) -> Self {
        Self {
            trouble: Mutex::default(),
            death: Mutex::default(),
            random: Mutex::new(Random::of(seed ^ 0x7374_6f72)),
            usual: if seed % 4 == 1 { 1500 } else { 0 },
            conflicts: Mutex::default(),
            lost: Mutex::default(),
            died: Notify::new(),
        }
    }

    /// From now on this goes wrong.
    pub fn set(&self, trouble: Trouble) {
        *lock(&self.trouble) = trouble;
    }

    /// The process is to die then; `None`: not.
    pub fn die(&self, death: Option<Death>) {
        *lock(&self.death) = death;
    }

    /// How many conflicts there were beyond what lost answers explain.
    pub fn unexplained_conflicts(&self) -> u64 {
        lock(&self.conflicts).saturating_sub(*lock(&self.lost))
    }

    fn dies(&self, writes: bool, after: bool) -> bool {
        let mut death = lock(&self.death);
        let Some(at) = death.as_mut().filter(|at| writes && at.after == after) else { return false };
        if at.writes > 0 {
            at.writes -= 1;
            return false;
        }
        *death = None;
        true
    }

    async fn hesitate(&self, most: u64) {
        if most == 0 {
            return;
        }
        let wait = lock(&self.random).below(most);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    async fn end(&self) {
        self.died.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl moody::Watch for Watch {
    async fn before(&self, writes: bool) -> Result<()> {
        let trouble = *lock(&self.trouble);
        match trouble {
            Trouble::None | Trouble::LosesAnswers => self.hesitate(self.usual).await,
            Trouble::Slow(most) => self.hesitate(most).await,
            Trouble::Away => return Err(away()),
            Trouble::Full if writes => return Err(Error::Full { at: "simulated".to_owned() }),
            Trouble::Full => {}
        }
        if self.dies(writes, false) {
            self.end().await;
        }
        Ok(())
    }

    async fn after(&self, writes: bool, failed: Option<&Error>) -> Result<()> {
        if matches!(failed, Some(Error::Conflict { .. })) {
            *lock(&self.conflicts) += 1;
        }
        if self.dies(writes, true) {
            self.end().await;
        }
        let trouble = *lock(&self.trouble);
        match trouble {
            Trouble::Slow(most) => self.hesitate(most).await,
            Trouble::LosesAnswers if writes && lock(&self.random).below(3) == 0 => {
                *lock(&self.lost) += 1;
                return Err(away());
            }
            Trouble::None => self.hesitate(self.usual).await,
            Trouble::Away | Trouble::Full | Trouble::LosesAnswers => {}
        }
        Ok(())
    }
}

fn away() -> Error {
    Error::Unavailable { at: "simulated".to_owned(), why: "the connection broke".to_owned(), source: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
