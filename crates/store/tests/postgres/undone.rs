//! PostgreSQL undoes a transaction for reasons of its own: two that wait for each other, two that cannot be put into an
//! order. That is an error that passes: nothing of the commit is there, and the same commit works afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use crate::rig::{DIRECT, POOLED, Schema};
use evenkeel_core::id::Subject;
use evenkeel_store::Store;
use evenkeel_store::conformance::sample::opening;

/// Has the server undo the next transaction that writes an event, as it does for this reason.
async fn undo_the_next(schema: &Schema, state: &str) {
    let sql = format!(
        "CREATE SEQUENCE undone;
         CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN
            IF nextval('undone') = 1 THEN RAISE EXCEPTION 'undone' USING ERRCODE = '{state}'; END IF;
            RETURN NEW;
         END $$;
         CREATE TRIGGER undo BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION undo();"
    );
    schema.say(&sql).await;
}

#[tokio::test]
async fn a_commit_that_the_server_undid_left_nothing_and_works_when_it_is_made_again() {
    for (variable, state) in [(DIRECT, "40P01"), (DIRECT, "40001"), (POOLED, "40001")] {
        let Some(schema) = Schema::new(variable) else { continue };
        let store = schema.open().await;
        store.lead("one", std::time::Duration::from_secs(600)).await.unwrap();
        undo_the_next(&schema, state).await;
        let error = store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap_err();
        assert!(error.is_transient(), "{state}: {error}");
        let subject = Subject::Host("a".into());
        assert_eq!(store.load(&subject).await.unwrap().revision, 0, "{state}");
        assert_eq!(schema.say("SELECT count(*)::text FROM events").await, ["0"], "{state}");
        store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
        assert_eq!(store.load(&subject).await.unwrap().revision, 1, "{state}");
        assert_eq!(schema.say("SELECT count(*)::text FROM events").await, ["1"], "{state}");
    }
}
