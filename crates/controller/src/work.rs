//! The work queue with a lock and a bell: what async code waits on. The promises live in [`crate::queue`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::queue::{Backoff, Finished, Key, Next, Queue, Tick};

/// Subjects waiting for a pass, by the numbers the world gave them.
#[derive(Debug)]
pub struct WorkQueue {
    queue: Mutex<Queue>,
    bell: Notify,
    start: Instant,
}

/// How a pass ended, for the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// When something changes.
    OnChange,
    /// When something changes, but after this long at the latest.
    After(Duration),
    /// It failed: after a back-off.
    Failed,
    /// It could not be kept, as nothing could at this moment: as soon as there is hope.
    Paused,
}

impl WorkQueue {
    /// An empty queue with this back-off for failed passes.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            queue: Mutex::new(Queue::new(Backoff::new(base, cap))),
            bell: Notify::new(),
            start: Instant::now(),
        }
    }

    /// Puts subjects on the queue, each after `delay`, during which further triggers for it are the same trigger.
    pub fn add_all(&self, keys: impl IntoIterator<Item = Key>, delay: Duration) {
        let now = self.now();
        let mut any = false;
        {
            let mut queue = self.lock();
            for key in keys {
                queue.add_after(key, delay, now);
                any = true;
            }
        }
        if any {
            self.bell.notify_one();
        }
    }

    /// Waits for the next subject; `None` once the queue is shut down and empty.
    pub async fn next(&self) -> Option<(Key, Duration)> {
        loop {
            let rung = self.bell.notified();
            let next = self.lock().get(self.now());
            match next {
                Next::Ready(work) => {
                    // Another worker may find the next one already waiting behind it.
                    self.bell.notify_one();
                    return Some((work.key, work.waited));
                }
                Next::WaitUntil(at) => {
                    tokio::select! {
                        biased;
                        () = rung => {}
                        () = tokio::time::sleep_until(self.start + at.since(Tick::default())) => {}
                    }
                }
                Next::Idle => rung.await,
                Next::ShutDown => {
                    self.bell.notify_waiters();
                    self.bell.notify_one();
                    return None;
                }
            }
        }
    }

    /// Ends a pass and says when the subject wants another.
    pub fn done(&self, key: Key, again: Again) -> Option<Finished> {
        let now = self.now();
        let finished = {
            let mut queue = self.lock();
            match again {
                Again::OnChange => queue.forget(key),
                Again::After(delay) => {
                    queue.forget(key);
                    queue.add_after(key, delay, now);
                }
                Again::Failed => {
                    queue.add_rate_limited(key, now, evenkeel_ambient::random());
                }
                Again::Paused => {
                    queue.add(key, now);
                }
            }
            queue.done(key, now)
        };
        self.bell.notify_one();
        finished
    }

    /// Takes no more subjects; those waiting are still handed out.
    pub fn shut_down(&self) {
        self.lock().shut_down();
        self.bell.notify_waiters();
        self.bell.notify_one();
    }

    /// What is left undone; for the log line of an abandoned stop.
    pub fn abandon(&self) -> Vec<Key> {
        self.lock().drain()
    }

    /// Runs `read` on the queue, for figures.
    pub fn read<T>(&self, read: impl FnOnce(&Queue, Tick) -> T) -> T {
        let now = self.now();
        read(&self.lock(), now)
    }

    fn now(&self) -> Tick {
        Tick::at(self.start.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const A: Key = Key::new(0);

    #[tokio::test(start_paused = true)]
    async fn a_delayed_add_is_handed_out_when_its_time_comes() {
        let queue = WorkQueue::new(Duration::from_secs(1), Duration::from_secs(60));
        queue.add_all([A], Duration::from_secs(5));
        let start = Instant::now();
        let (got, _) = queue.next().await.unwrap();
        assert_eq!(got, A);
        assert!(start.elapsed() >= Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_workers_wake_for_work_and_for_the_end() {
        let queue = Arc::new(WorkQueue::new(Duration::from_secs(1), Duration::from_secs(60)));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while let Some((subject, _)) = queue.next().await {
                        queue.done(subject, Again::OnChange);
                        seen.push(subject);
                    }
                    seen
                })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.add_all((0..100).map(Key::new), Duration::ZERO);
        while queue.read(|q, _| q.len()) > 0 {
            tokio::task::yield_now().await;
        }
        queue.shut_down();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        assert_eq!(all.len(), 100);
    }

    /// Adds and waits meet in every order that threads make of them: each add is followed by a run that begins after it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_wake_up_is_lost_however_adds_and_waits_meet() {
        const KEYS: usize = 7;
        const ADDS: u64 = 20_000;
        let queue = Arc::new(WorkQueue::new(Duration::from_secs(1), Duration::from_secs(60)));
        let wanted: Arc<[AtomicU64; KEYS]> = Arc::default();
        let seen: Arc<[AtomicU64; KEYS]> = Arc::default();
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, wanted, seen) = (queue.clone(), wanted.clone(), seen.clone());
                tokio::spawn(async move {
                    while let Some((key, _)) = queue.next().await {
                        let now = wanted[key.index()].load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        seen[key.index()].fetch_max(now, Ordering::SeqCst);
                        queue.done(key, Again::OnChange);
                    }
                })
            })
            .collect();
        for adder in 0..3_u64 {
            let (queue, wanted) = (queue.clone(), wanted.clone());
            tokio::spawn(async move {
                for n in 0..ADDS {
                    let key = usize::try_from((n * (adder + 1)) % KEYS as u64).unwrap();
                    wanted[key].fetch_add(1, Ordering::SeqCst);
                    queue.add_all([Key::new(u32::try_from(key).unwrap())], Duration::ZERO);
                    // Pauses of every length that yields make, so that the queue runs empty again and again.
                    for _ in 0..n % 5 {
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        let all = async {
            let sum = |of: &[AtomicU64; KEYS]| of.iter().map(|n| n.load(Ordering::SeqCst)).sum::<u64>();
            while sum(&seen) < 3 * ADDS {
                tokio::task::yield_now().await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(60), all).await;
        assert!(heard.is_ok(), "wanted {wanted:?}, seen {seen:?}, {} waiting", queue.read(|q, _| q.len()));
        queue.shut_down();
        for worker in workers {
            worker.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_pass_comes_back_after_its_back_off() {
        let queue = WorkQueue::new(Duration::from_secs(1), Duration::from_secs(60));
        queue.add_all([A], Duration::ZERO);
        let (got, _) = queue.next().await.unwrap();
        let start = Instant::now();
        queue.done(got, Again::Failed);
        let next = tokio::time::timeout(Duration::from_secs(120), queue.next()).await;
        next.expect("it never comes back").unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
    }
}
