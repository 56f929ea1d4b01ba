//! An installation's own tables, adopted in place: what becomes of its rows, its inserts and its questions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use crate::installation::{INSTALLATION, ask, dump, furnish, run, shell, tried};
use crate::rig::{DIRECT, POOLED, Schema};
use evenkeel_store::conformance::sample::{at, docker, host, journal, observed, opening};
use evenkeel_store::postgres::PgStore;
use evenkeel_store::{
    AssetRow, Error, EventFilter, ExpectedRow, JournalKind, Keep, RetentionPolicy, Store, postgres::Standing,
};

async fn leading(schema: &Schema) -> PgStore {
    let store = schema.open().await;
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store
}

/// Everything in the schema that has a name.
async fn inhabitants(shell: &mut sqlx::PgConnection) -> Vec<String> {
    ask(
        shell,
        "SELECT concat_ws(' ', 'relation', relname, relkind, relnatts) FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace
        UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
        UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE relnamespace = current_schema()::regnamespace
        ORDER BY 1",
    )
    .await
}

fn problems(error: &Error) -> &[String] {
    let Error::Unfit { problems, .. } = error else { panic!("{error}") };
    problems
}

#[tokio::test]
async fn every_row_column_and_view_of_an_installation_stays_as_it_was() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let before = dump(&mut shell).await;
    let store = leading(&schema).await;
    assert_eq!(dump(&mut shell).await, before);

    let after = inhabitants(&mut shell).await;
    let migrated = ask(&mut shell, "SELECT applied_at::text || xmin::text FROM evenkeel_migrations").await;
    schema.open().await;
    assert_eq!(dump(&mut shell).await, before);
    assert_eq!(inhabitants(&mut shell).await, after);
    assert_eq!(
        ask(&mut shell, "SELECT applied_at::text || xmin::text FROM evenkeel_migrations").await,
        migrated
    );

    let face = store.face().await.unwrap();
    let ours: Vec<&str> = face
        .relations
        .iter()
        .filter(|relation| relation.standing == Standing::Ours)
        .map(|relation| relation.name.as_str())
        .collect();
    assert_eq!(ours, ["journal"]);
    assert!(face.relations.iter().all(|relation| relation.rls == (relation.name == "journal")), "{face:?}");
}

#[tokio::test]
async fn in_an_empty_database_everything_is_made() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    let face = store.face().await.unwrap();
    assert_eq!(face.relations.len(), 8, "{face:?}");
    assert!(face.relations.iter().all(|relation| relation.standing == Standing::Ours), "{face:?}");
    assert_eq!(face.schema, schema.options().schema);
}

#[tokio::test]
async fn ten_that_migrate_at_once_do_not_collide() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let before = dump(&mut shell).await;
    let options = schema.options();
    let opened = futures_util::future::join_all((0..10).map(|_| PgStore::open(&options))).await;
    for store in opened {
        store.unwrap();
    }
    assert_eq!(dump(&mut shell).await, before);
    assert_eq!(
        ask(&mut shell, "SELECT string_agg(version::text, ' ' ORDER BY version) FROM evenkeel_migrations")
            .await,
        ["1 2 3 4 5"]
    );
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_nothing() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    run(&mut shell, "CREATE FUNCTION evenkeel_refuse() RETURNS integer LANGUAGE sql AS 'SELECT 1'").await;
    let (before, things) = (dump(&mut shell).await, inhabitants(&mut shell).await);
    let error = PgStore::open(&schema.options()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(dump(&mut shell).await, before);
    assert_eq!(inhabitants(&mut shell).await, things);

    run(&mut shell, "DROP FUNCTION evenkeel_refuse()").await;
    schema.open().await;
    assert_eq!(dump(&mut shell).await, before);
}

#[tokio::test]
async fn the_operators_inserts_and_questions_go_on_beside_ours() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let store = leading(&schema).await;
    let theirs = async {
        for n in 0..60 {
            let insert = format!(
                "INSERT INTO events (hostname, event_type, severity) VALUES ('theirs-{n}', 'SERVICE_MISSING', 'high')"
            );
            run(&mut shell, &insert).await;
        }
    };
    let ours = async {
        for n in 0..60 {
            store.commit(opening(&format!("ours-{n}"), "x", n, 0, &["n8n"])).await.unwrap();
        }
    };
    futures_util::future::join(theirs, ours).await;

    let count = "SELECT count(*)::text FROM events WHERE event_type = 'SERVICE_MISSING' AND hostname LIKE ";
    assert_eq!(ask(&mut shell, &format!("{count} 'theirs-%'")).await, ["60"]);
    assert_eq!(
        ask(&mut shell, &format!("{count} 'ours-%' AND severity = 'high' AND source = 'docker'")).await,
        ["60"]
    );
    assert_eq!(ask(&mut shell, "SELECT (count(*) - count(DISTINCT id))::text FROM events").await, ["0"]);
    let shown = store.events(&EventFilter::default(), None, 500).await.unwrap().rows;
    assert_eq!(shown.len(), 60, "only our own are shown");
}

#[tokio::test]
async fn what_the_operator_wrote_is_neither_counted_changed_nor_pruned() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let before = dump(&mut shell).await;
    let store = leading(&schema).await;
    store.commit(opening("box2-media", "x", 1, 0, &[])).await.unwrap();
    store.commit(opening("box2-media", "y", 2, 1, &[])).await.unwrap();
    store.save_observed(&[observed("box2-media", "old", 1), observed("box2-media", "new", 2)]).await.unwrap();
    store.note(&[journal(JournalKind::Action, "restarted", 1)]).await.unwrap();
    let asset = AssetRow {
        asset_type: "vm".to_owned(),
        name: "box2-media".to_owned(),
        parent: None,
        metadata: serde_json::json!({}),
    };
    store.save_assets(&[asset], at(1)).await.unwrap();
    let nothing = Keep { age: None, count: Some(0) };
    let policy = RetentionPolicy {
        events: nothing,
        snapshots: nothing,
        journal: nothing,
        ..RetentionPolicy::default()
    };
    let pruned = store.prune(&policy, at(9_000_000)).await.unwrap();
    assert_eq!((pruned.events, pruned.journal), (1, 1), "{pruned:?}");
    // What was ours and had to stay, taken away by hand.
    run(
        &mut shell,
        "DELETE FROM observed_snapshots WHERE hash IS NOT NULL; DELETE FROM assets WHERE managed_by = 'evenkeel';
        DELETE FROM events WHERE event_id IS NOT NULL",
    )
    .await;
    assert_eq!(dump(&mut shell).await, before);
}

#[tokio::test]
async fn rows_copied_in_with_their_numbers_do_not_meet_ours() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    store.commit(opening("a", "x", 1, 0, &[])).await.unwrap();
    let mut shell = shell(&schema).await;
    run(
        &mut shell,
        "INSERT INTO events (id, event_type) SELECT n, 'copied' FROM generate_series(100, 4000) n",
    )
    .await;
    run(&mut shell, "SELECT setval('events_id_seq', 98)").await;
    store.resign().await.unwrap();
    let store = leading(&schema).await;
    for n in 2..5 {
        store.commit(opening("a", "x", n, u64::from(n) - 1, &[])).await.unwrap();
    }
    assert_eq!(ask(&mut shell, "SELECT max(id)::text FROM events").await, ["4003"]);
}

/// Copies rows in with the numbers that come next.
async fn copy_in(shell: &mut sqlx::PgConnection) {
    run(
        shell,
        "INSERT INTO events (id, event_type) SELECT n, 'copied' FROM generate_series(2, 4000) n;
        INSERT INTO journal (id) SELECT n FROM generate_series(1, 3000) n;
        INSERT INTO observed_snapshots (id, hostname, source, snapshot)
            SELECT n, 'copied', 'docker', '{}' FROM generate_series(1, 2000) n;
        INSERT INTO snapshots (id, snapshot_type, data) SELECT n, 'copied', '{}' FROM generate_series(1, 1500) n;
        INSERT INTO assets (id, asset_type, name) SELECT n, 'copied', n::text FROM generate_series(1, 1000) n;
        INSERT INTO sources (id, name) SELECT n, n::text FROM generate_series(1, 500) n",
    )
    .await;
}

const NEWEST: &str = "SELECT concat_ws(' ', (SELECT max(id) FROM events), (SELECT max(id) FROM journal),
    (SELECT max(id) FROM observed_snapshots), (SELECT max(id) FROM snapshots), (SELECT max(id) FROM assets),
    (SELECT max(id) FROM sources))";

#[tokio::test]
async fn rows_copied_in_with_their_numbers_while_we_run_hold_nothing_up() {
    for variable in [DIRECT, POOLED] {
        let Some(schema) = Schema::new(variable) else { return };
        let store = leading(&schema).await;
        store.commit(opening("a", "x", 1, 0, &[])).await.unwrap();
        let mut shell = shell(&schema).await;
        copy_in(&mut shell).await;
        for n in 2..5 {
            store.commit(opening("a", "x", n, u64::from(n) - 1, &["n8n"])).await.unwrap();
        }
        store.note(&[journal(JournalKind::Action, "restarted", 1)]).await.unwrap();
        store.save_observed(&[observed("a", "new", 1)]).await.unwrap();
        let expected = ExpectedRow {
            kind: "host".to_owned(),
            hostname: "a".into(),
            hash: 1,
            data: "{}".to_owned(),
            at: at(1),
        };
        store.save_expected(&[expected]).await.unwrap();
        let asset = AssetRow {
            asset_type: "vm".to_owned(),
            name: "a".to_owned(),
            parent: None,
            metadata: serde_json::json!({}),
        };
        store.save_assets(&[asset], at(1)).await.unwrap();
        store.save_sources(&[docker("a")], at(1)).await.unwrap();
        assert_eq!(ask(&mut shell, NEWEST).await, ["4003 3001 2001 1501 1001 501"], "{variable}");

        // What is refused for another reason stays refused.
        let twice = opening("a", "x", 4, 4, &[]);
        let error = store.commit(twice).await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert_eq!(store.load(&host("a")).await.unwrap().revision, 4);
    }
}

/// Each line breaks something else.
const BROKEN: &str = "
    CREATE TABLE events (
        id integer, hostname varchar(20) NOT NULL, service text, event_type text NOT NULL, expected json,
        severity text, created_at timestamp, site text NOT NULL, subject text GENERATED ALWAYS AS (event_type) STORED
    );
    CREATE VIEW assets AS SELECT 1 AS id, 'a'::text AS name;
    CREATE TABLE snapshots (id bigint PRIMARY KEY, snapshot_type text, data jsonb, hash text UNIQUE);
    CREATE TABLE observed_snapshots (
        id bigint generated by default as identity primary key, hostname text NOT NULL, source text NOT NULL,
        snapshot jsonb NOT NULL, UNIQUE (hostname, source)
    );
    CREATE TABLE journal (id bigint generated by default as identity primary key, kind text);
    INSERT INTO journal (kind) VALUES ('a thought');
    CREATE TABLE evenkeel_subjects (subject text);";

#[tokio::test]
async fn what_cannot_be_adopted_is_told_all_at_once_and_nothing_is_changed() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, BROKEN).await;
    let things = inhabitants(&mut shell).await;
    let error = PgStore::open(&schema.options()).await.unwrap_err();
    let found = problems(&error);
    let expected = [
        "there is evenkeel_subjects without a word in evenkeel_migrations: restore",
        "assets is a view: evenkeel needs a plain table",
        "events.id is integer, it must be bigint: ALTER TABLE events",
        "events.id has no default: ALTER TABLE events ALTER COLUMN id ADD GENERATED",
        "events.hostname is character varying(20), it must be text",
        "events.hostname is NOT NULL, and evenkeel has rows without it",
        "events.expected is json, it must be jsonb: ALTER TABLE events ALTER COLUMN expected TYPE jsonb USING",
        "events.created_at is timestamp without time zone, it must be timestamp with time zone",
        "events.site is NOT NULL without a default, and evenkeel does not know it",
        "events.subject is computed",
        "events.id is not unique: ALTER TABLE events ADD PRIMARY KEY (id)",
        "journal.kind holds values, and evenkeel knows its own rows by it",
        "observed_snapshots has the unique index observed_snapshots_hostname_source_key",
        "snapshots.id has no default",
        "snapshots has the unique index snapshots_hash_key",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    let said = error.to_string();
    assert!(expected.iter().all(|line| said.contains(line)), "{said}");
    assert_eq!(inhabitants(&mut shell).await, things);
}

#[tokio::test]
async fn checks_and_triggers_of_the_operator_that_would_refuse_our_rows_are_found_by_trying() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    run(
        &mut shell,
        "ALTER TABLE events ADD CONSTRAINT known CHECK (event_type <> 'RESTART_LOOP') NOT VALID;
        CREATE TABLE hosts (name text PRIMARY KEY);
        ALTER TABLE observed_snapshots ADD CONSTRAINT of_host FOREIGN KEY (hostname) REFERENCES hosts NOT VALID;
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'vms only'; END $$;
        CREATE TRIGGER no BEFORE INSERT ON assets FOR EACH ROW WHEN (new.asset_type = 'device') EXECUTE FUNCTION no();
        ALTER TABLE snapshots ADD CHECK (snapshot_type <> '')",
    )
    .await;
    let before = dump(&mut shell).await;
    let error = PgStore::open(&schema.options()).await.unwrap_err();
    let found = problems(&error).join("\n");
    assert!(found.contains("assets takes no row of ours (device): vms only"), "{found}");
    assert!(found.contains("events takes no row of ours (RESTART_LOOP)"), "{found}");
    assert!(found.contains("widen or drop constraint known"), "{found}");
    assert!(found.contains("widen or drop constraint of_host"), "{found}");
    assert!(!found.contains("VM_DOWN") && !found.contains("\nsnapshots"), "{found}");
    assert_eq!(dump(&mut shell).await, before);

    run(&mut shell, "ALTER TABLE events DROP CONSTRAINT known; DROP TRIGGER no ON assets").await;
    run(&mut shell, "ALTER TABLE observed_snapshots DROP CONSTRAINT of_host").await;
    schema.open().await;
    assert_eq!(dump(&mut shell).await, before, "what was tried is gone");
}

#[tokio::test]
async fn nobody_waits_behind_a_migration_that_waits_for_a_lock() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut holder = furnish(&schema, INSTALLATION).await;
    run(&mut holder, "BEGIN; LOCK TABLE events IN ACCESS SHARE MODE").await;
    let error = PgStore::open(&schema.options()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }) && error.to_string().contains("a lock"), "{error}");
    run(&mut holder, "COMMIT").await;
    schema.open().await;
}

#[tokio::test]
async fn events_and_journal_are_only_added_to_whoever_asks() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let store = leading(&schema).await;
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    store.commit(opening("b", "x", 2, 0, &[])).await.unwrap();
    let rows = [1, 2, 3].map(|n| journal(JournalKind::Action, &format!("restarted {n}"), n));
    store.note(&rows).await.unwrap();
    run(&mut shell, "INSERT INTO journal (created_at) VALUES (now())").await;

    let theirs = "SELECT event_id::text FROM events WHERE event_id IS NULL";
    assert_eq!(ask(&mut shell, theirs).await.len(), 7);
    for (refused, why) in [
        ("UPDATE events SET severity = 'low'", "events are only added"),
        ("UPDATE events SET event_id = gen_random_uuid() WHERE event_id IS NULL", "events are only added"),
        ("DELETE FROM events WHERE hostname = 'a'", "a delivery needs this event"),
        ("TRUNCATE events", "a delivery needs this event"),
        ("UPDATE journal SET actor = 'nobody'", "only added to"),
        ("DELETE FROM journal WHERE kind IS NOT NULL", "only through retention"),
        ("TRUNCATE journal", "only through retention"),
        ("UPDATE evenkeel_journal_horizon SET upto = -1", "never falls"),
        ("DELETE FROM evenkeel_journal_horizon", "stays"),
        ("TRUNCATE evenkeel_journal_horizon", "stays"),
    ] {
        let error = tried(&mut shell, refused).await.unwrap_err().to_string();
        assert!(error.contains(why), "{refused}: {error}");
    }
    // What is theirs stays theirs.
    run(&mut shell, "UPDATE events SET severity = 'seen' WHERE event_id IS NULL").await;
    run(&mut shell, "DELETE FROM events WHERE event_id IS NULL").await;
    run(&mut shell, "DELETE FROM journal WHERE kind IS NULL").await;
    // Nothing needs this one.
    run(&mut shell, "DELETE FROM events WHERE hostname = 'b'").await;

    let policy =
        RetentionPolicy { journal: Keep { age: None, count: Some(2) }, ..RetentionPolicy::default() };
    assert_eq!(store.prune(&policy, at(4)).await.unwrap().journal, 1);
    let kept = ask(&mut shell, "SELECT text FROM journal ORDER BY id").await;
    assert_eq!(kept, ["restarted 2", "restarted 3"]);
    assert_eq!(store.load(&host("a")).await.unwrap().revision, 1);
}
