//! Many seeds, on every core there is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::outcome::Outcome;
use crate::run::run;

/// Runs many seeds on every core there is, and tells of each that broke a promise; which those were.
///
/// # Errors
/// When the machine under the simulation fails.
pub fn many(from: u64, seeds: u64, all: bool, tell: impl Fn(&Outcome) + Sync) -> std::io::Result<Vec<u64>> {
    let next = AtomicU64::new(from);
    let broken = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let work = || -> std::io::Result<()> {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let enough = !all && !broken.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
                if seed >= from + seeds || enough {
                    return Ok(());
                }
                let outcome = run(seed)?;
                if outcome.broken.is_some() {
                    broken.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                    tell(&outcome);
                }
            }
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(std::io::Error::other("a seed panicked")))
        })
    })?;
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort_unstable();
    Ok(broken)
}
