//! Through a pooler that lends a connection for one transaction at a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use crate::installation::{INSTALLATION, dump, furnish};
use crate::rig::{DIRECT, POOLED, Schema};
use evenkeel_store::conformance::sample::opening;
use evenkeel_store::postgres::{Options, PgStore};
use evenkeel_store::{Error, EventFilter, Store};

#[tokio::test]
async fn an_unmentioned_pooler_is_found_out_before_anything_is_done() {
    let Some(schema) = Schema::new(POOLED) else { return };
    let options = Options { transaction_pooler: false, ..schema.options() };
    for error in
        [PgStore::open(&options).await.unwrap_err(), PgStore::open_read_only(&options).await.unwrap_err()]
    {
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        assert!(error.to_string().contains("set `store.transaction_pooler`"), "{error}");
    }
}

#[tokio::test]
async fn an_installation_is_adopted_through_a_pooler_by_ten_at_once() {
    let Some(schema) = Schema::new(POOLED) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let before = dump(&mut shell).await;
    let options = schema.options();
    let stores = futures_util::future::join_all((0..10).map(|_| PgStore::open(&options))).await;
    let stores: Vec<PgStore> = stores.into_iter().map(Result::unwrap).collect();
    schema.open().await;
    assert_eq!(dump(&mut shell).await, before);

    let store = &stores[0];
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    let commits = (0..40).map(|n| store.commit(opening(&format!("h{n}"), "x", n, 0, &["n8n"])));
    for committed in futures_util::future::join_all(commits).await {
        committed.unwrap();
    }
    let reader = PgStore::open_read_only(&options).await.unwrap();
    assert_eq!(reader.events(&EventFilter::default(), None, 100).await.unwrap().rows.len(), 40);
    let face = reader.face().await.unwrap();
    assert!(face.pooled && face.pooler_suspected.is_none(), "{face:?}");
    assert_eq!(face.schema, options.schema);
}

#[tokio::test]
async fn without_a_pooler_the_settings_for_one_do_no_harm() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let options = Options { transaction_pooler: true, ..schema.options() };
    let store = PgStore::open(&options).await.unwrap();
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    assert_eq!(schema.say("SELECT hostname FROM events").await, ["a"]);
}
