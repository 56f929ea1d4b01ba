//! Hints: whoever changed what matters to others says so, and whoever waits for it hears it soon. Nobody relies on it.

use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{PgPool, Row};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Inner;

/// Says on a channel (`$1`) that something changed; heard when the transaction commits.
pub(super) const SAY: &str = "SELECT pg_notify($1, '')";

/// A connection that was lost is made again after this long, and after twice as long each time that fails ...
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A connection on which nothing was heard for this long is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(300);

/// What is listened with, from the first time somebody wants to hear.
#[derive(Debug, Default)]
pub(super) struct Listening {
    started: OnceLock<Started>,
}

#[derive(Debug)]
struct Started {
    heard: Arc<Notify>,
    /// Ends with the store.
    task: std::sync::Mutex<JoinSet<()>>,
}

impl Listening {
    async fn wait(&self, pool: &PgPool, channel: &Arc<str>) {
        let started = self.started.get_or_init(|| {
            // A connection of its own: it is held for ever.
            let options = PgPool::connect_options(pool).as_ref().clone();
            let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
            let heard = Arc::new(Notify::new());
            let mut task = JoinSet::new();
            task.spawn(listen(own, Arc::clone(channel), Arc::clone(&heard)));
            Started { heard, task: std::sync::Mutex::new(task) }
        });
        started.heard.notified().await;
    }

    /// Nothing is heard any more.
    pub(super) fn end(&self) {
        if let Some(started) = self.started.get() {
            started.task.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        }
    }
}

impl Inner {
    pub(super) async fn hint(&self) {
        if self.pooled {
            // A pooler takes the connection away, and with it what was said.
            std::future::pending::<()>().await;
        }
        self.listening.wait(&self.pool, &self.channel).await;
    }
}

async fn listen(pool: PgPool, channel: Arc<str>, heard: Arc<Notify>) {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Err(error) = hear(&pool, &channel, &heard, &mut pause).await {
            tracing::debug!(%error, "hints are not heard until the connection is made again");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn hear(pool: &PgPool, channel: &str, heard: &Notify, pause: &mut Duration) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // A loss is noticed here and not healed inside, so that it is waited between the attempts.
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    *pause = FIRST_PAUSE;
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(heard_one) => {
                if heard_one?.is_none() {
                    return Ok(());
                }
                // Those who wait now, and the next to ask.
                heard.notify_waiters();
                heard.notify_one();
            }
            Err(_silence) => {
                let answer = sqlx::query("SELECT 1").fetch_one(&mut listener);
                let there = tokio::time::timeout(FIRST_PAUSE * 10, answer).await;
                let _: i32 = there.map_err(|_| sqlx::Error::PoolTimedOut)??.try_get(0)?;
            }
        }
    }
}
