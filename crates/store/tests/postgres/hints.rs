//! What one process says, another one hears soon. Nobody relies on it, so it is said until it is heard.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use crate::rig::{DIRECT, Schema};
use evenkeel_core::id::Subject;
use evenkeel_store::conformance::sample::{at, opening};
use evenkeel_store::postgres::PgStore;
use evenkeel_store::{Error, Resend, Store};

const LONG: Duration = Duration::from_secs(600);
/// How long to wait for something to happen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the connection on which somebody listens for this schema.
const CUT: &str = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
    WHERE application_name = 'evenkeel' AND query LIKE 'LISTEN \"evenkeel_' || current_schema() || '\"%'";

/// Says something again and again until somebody hears it.
async fn heard_when<F: Future<Output = ()>>(listener: &PgStore, mut say: impl FnMut() -> F) {
    let said = async {
        loop {
            say().await;
        }
    };
    let heard = async {
        tokio::select! {
            () = listener.hint() => {}
            () = said => {}
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("nothing was heard");
}

async fn commit(store: &PgStore) {
    let revision = store.load(&Subject::Host("a".into())).await.unwrap().revision;
    let n = u32::try_from(revision).unwrap();
    match store.commit(opening("a", "x", n, revision, &["n8n"])).await {
        // A commit that was let go of when its hint was heard may be written in between.
        Ok(_) | Err(Error::Conflict { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_delivery_a_resend_and_a_resignation_are_heard_by_another_process() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let (leader, follower) = (schema.open().await, schema.open().await);
    leader.lead("one", LONG).await.unwrap();
    heard_when(&follower, || commit(&leader)).await;
    heard_when(&follower, || async {
        leader.resend(Resend::Sink("n8n".to_owned()), at(1)).await.unwrap();
    })
    .await;
    heard_when(&follower, || async {
        leader.lead("one", LONG).await.unwrap();
        leader.resign().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_listener_whose_connection_was_cut_hears_again() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let (leader, follower) = (schema.open().await, schema.open().await);
    leader.lead("one", LONG).await.unwrap();
    for _ in 0..2 {
        heard_when(&follower, || commit(&leader)).await;
        // What is heard now may have been said before the last cut: whoever listens may only be about to do so again.
        let cut = async {
            while schema.say(CUT).await != ["true"] {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, cut).await.expect("nobody listens");
    }
    // Of the hints heard here, two may be old.
    for _ in 0..3 {
        heard_when(&follower, || commit(&leader)).await;
    }
}
