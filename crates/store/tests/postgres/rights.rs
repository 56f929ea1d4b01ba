//! Who may do what: the web's roles nothing, and roles of the operator's what docs/postgresql.md says they need. The
//! statements are taken from that page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use crate::installation::{INSTALLATION, ask, dump, furnish, run, tried};
use crate::rig::{DIRECT, Schema};
use evenkeel_core::Secret;
use evenkeel_store::conformance::repairs_sample::{callback, in_state, making, notice, proposal, withdrawn};
use evenkeel_store::conformance::sample::{at, journal, observed, opening};
use evenkeel_store::postgres::{Options, PgStore};
use evenkeel_store::{Error, EventFilter, JournalKind, RepairCommit, RetentionPolicy, Store};

const PAGE: &str = include_str!("../../../../docs/postgresql.md");

/// The statements on the page that begin with this comment, for a schema and role of a test's own.
fn page(title: &str, schema: &Schema, role: &str) -> String {
    let start =
        PAGE.find(&format!("```sql\n-- {title}")).unwrap_or_else(|| panic!("no {title:?} on the page"));
    let block = PAGE[start + 7..].split("```").next().unwrap();
    block
        .replace("evenkeel_reader", role)
        .replace("evenkeel_runner", role)
        .replace("TO evenkeel", &format!("TO {role}"))
        .replace("ROLE evenkeel", &format!("ROLE {role}"))
        .replace("public", &schema.options().schema)
        .replace("'a long password'", &format!("'{role}'"))
}

/// How a role of the operator's opens the store.
fn as_role(schema: &Schema, role: &str) -> Options {
    let mut options = schema.options();
    let (_, place) = options.url.expose().rsplit_once('@').unwrap();
    options.url = Secret::new(format!("postgres://{role}:{role}@{place}"));
    options
}

/// A role that goes with the test.
async fn role(shell: &mut sqlx::PgConnection, schema: &Schema, suffix: &str) -> String {
    let role = format!("{}_{suffix}", schema.options().schema);
    run(shell, &format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'")).await;
    role
}

async fn gone(shell: &mut sqlx::PgConnection, role: &str) {
    run(shell, &format!("RESET ROLE; DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
}

/// Supabase's: two roles that the web may take, and everything granted to them by default.
async fn supabase(shell: &mut sqlx::PgConnection, schema: &Schema) {
    let schema = schema.options().schema;
    for role in ["anon", "authenticated"] {
        let make = format!(
            "DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$"
        );
        run(shell, &make).await;
    }
    for things in ["TABLES", "SEQUENCES", "FUNCTIONS"] {
        let grant = format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT ALL ON {things} TO anon, authenticated"
        );
        run(shell, &grant).await;
    }
    run(shell, &format!("GRANT USAGE ON SCHEMA {schema} TO anon, authenticated")).await;
}

async fn filled(schema: &Schema) -> PgStore {
    let store = schema.open().await;
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    store.save_observed(&[observed("a", "text", 1)]).await.unwrap();
    store.note(&[journal(JournalKind::Action, "restarted", 1)]).await.unwrap();
    store
}

const RELATIONS: &str =
    "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'v') AND relname <> 'control' ORDER BY 1";

#[tokio::test]
async fn the_webs_roles_can_neither_read_nor_write_anything_of_ours() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, "").await;
    supabase(&mut shell, &schema).await;
    filled(&schema).await;
    run(&mut shell, "CREATE TABLE control (id bigint GENERATED ALWAYS AS IDENTITY)").await;
    let relations = ask(&mut shell, RELATIONS).await;
    assert_eq!(relations.len(), 24, "{relations:?}");
    for role in ["anon", "authenticated"] {
        run(&mut shell, &format!("SET ROLE {role}")).await;
        run(&mut shell, "SELECT * FROM control; TRUNCATE control").await;
        for relation in &relations {
            for attempt in [
                format!("SELECT * FROM {relation}"),
                format!("INSERT INTO {relation} DEFAULT VALUES"),
                format!("DELETE FROM {relation}"),
                format!("TRUNCATE {relation}"),
            ] {
                let error = tried(&mut shell, &attempt).await.unwrap_err().to_string();
                assert!(
                    [
                        "permission denied",
                        "is not a table",
                        "cannot insert into view",
                        "cannot delete from view"
                    ]
                    .iter()
                    .any(|words| error.contains(words)),
                    "{attempt}: {error}"
                );
            }
        }
        let open = ask(
            &mut shell,
            "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                AND relname NOT LIKE 'control%'
                AND CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, SELECT, UPDATE') ELSE false END
            UNION ALL SELECT proname::text FROM pg_proc
                WHERE pronamespace = current_schema()::regnamespace AND has_function_privilege(oid, 'EXECUTE')",
        )
        .await;
        assert_eq!(open, Vec::<String>::new());
        run(&mut shell, "RESET ROLE").await;
    }
}

#[tokio::test]
async fn whom_somebody_grants_everything_still_sees_no_row() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, "").await;
    supabase(&mut shell, &schema).await;
    let store = filled(&schema).await;
    let name = schema.options().schema;
    run(&mut shell, &format!("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {name} TO anon")).await;
    let relations = ask(&mut shell, RELATIONS).await;
    assert!(
        store.face().await.unwrap().relations.iter().all(|relation| relation.anon_may_read == Some(true))
    );
    let invokes =
        ask(&mut shell, "SELECT current_setting('server_version_num')").await[0].as_str() >= "150000";
    run(&mut shell, "SET ROLE anon").await;
    for relation in relations {
        if invokes || !["drift_summary", "truenas_state_latest"].contains(&relation.as_str()) {
            assert_eq!(
                ask(&mut shell, &format!("SELECT count(*)::text FROM {relation}")).await,
                ["0"],
                "{relation}"
            );
        }
    }
    let error = tried(&mut shell, "INSERT INTO sources (name) VALUES ('x')").await.unwrap_err().to_string();
    assert!(error.contains("row-level security"), "{error}");
}

#[tokio::test]
async fn a_role_that_is_nobodys_superuser_migrates_and_runs() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    let role = role(&mut shell, &schema, "owner").await;
    let options = as_role(&schema, &role);
    let error = PgStore::open(&options).await.unwrap_err();
    assert!(error.to_string().contains("GRANT USAGE ON SCHEMA"), "{error}");
    run(&mut shell, &format!("GRANT USAGE ON SCHEMA {} TO {role}", options.schema)).await;
    let error = PgStore::open(&options).await.unwrap_err();
    let Error::Unfit { problems, .. } = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 6, "{error}");
    assert!(problems[0].contains("may not create tables in it: GRANT CREATE ON SCHEMA"), "{error}");
    assert!(problems[1].starts_with("assets belongs to"), "{error}");

    run(&mut shell, &page("An existing installation", &schema, &role)).await;
    PgStore::open(&options).await.unwrap();
    run(
        &mut shell,
        &page("After the first start", &schema, &role).replace("FROM evenkeel", &format!("FROM {role}")),
    )
    .await;
    let store = PgStore::open(&options).await.unwrap();
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    let face = store.face().await.unwrap();
    assert!(!face.superuser && !face.bypasses_rls && face.role == role, "{face:?}");
    assert!(
        face.relations
            .iter()
            .filter(|relation| relation.name != "drift_summary")
            .any(|relation| relation.is_owner)
    );
    store.close().await;
    drop(store);
    gone(&mut shell, &role).await;
}

#[tokio::test]
async fn a_role_that_only_reads_sees_every_row_or_is_told_why_not() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, "").await;
    filled(&schema).await;
    let role = role(&mut shell, &schema, "reader").await;
    let options = as_role(&schema, &role);
    let name = &options.schema;
    run(&mut shell, &format!("GRANT USAGE ON SCHEMA {name} TO {role}")).await;
    let error = PgStore::open_read_only(&options).await.unwrap_err().to_string();
    assert!(error.contains("may not read") && error.contains("evenkeel_drifts"), "{error}");
    run(&mut shell, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {role}")).await;
    let error = PgStore::open_read_only(&options).await.unwrap_err().to_string();
    assert!(
        error.contains("row-level security keeps it from rows of") && error.contains("events"),
        "{error}"
    );

    run(&mut shell, &page("For reading only", &schema, &role)).await;
    let store = PgStore::open_read_only(&options).await.unwrap();
    assert_eq!(store.events(&EventFilter::default(), None, 9).await.unwrap().rows.len(), 1);
    let error = PgStore::open(&options).await.unwrap_err().to_string();
    assert!(error.contains("may not read and write"), "{error}");
    // One policy that takes rows away, and the role no longer sees everything.
    run(
        &mut shell,
        &format!("CREATE POLICY less ON events AS RESTRICTIVE TO {role} USING (hostname <> 'a')"),
    )
    .await;
    let error = PgStore::open_read_only(&options).await.unwrap_err().to_string();
    assert!(error.contains("rows of events"), "{error}");
    store.close().await;
    drop(store);
    gone(&mut shell, &role).await;
}

#[tokio::test]
async fn a_role_that_runs_need_not_own_the_tables() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    filled(&schema).await.resign().await.unwrap();
    let role = role(&mut shell, &schema, "runner").await;
    let options = as_role(&schema, &role);
    run(&mut shell, &page("For running only", &schema, &role)).await;
    let store = PgStore::open(&options).await.unwrap();
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store.commit(opening("b", "x", 2, 0, &["n8n"])).await.unwrap();
    store.note(&[journal(JournalKind::Action, "restarted", 2)]).await.unwrap();
    store.save_observed(&[observed("b", "text", 1)]).await.unwrap();
    store
        .prune(
            &evenkeel_store::RetentionPolicy::default(),
            evenkeel_store::conformance::sample::at(90_000_000),
        )
        .await
        .unwrap();
    store.health().await.unwrap();
    store.close().await;
    drop(store);
    gone(&mut shell, &role).await;
}

/// What the version before made, and a delivery that it left.
async fn as_before(shell: &mut sqlx::PgConnection) {
    let made = "CREATE TABLE evenkeel_migrations (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
        INSERT INTO evenkeel_migrations (version) VALUES (1)";
    let before = include_str!("../../migrations/postgres/0001_init.sql");
    run(shell, &format!("BEGIN; {made}; {before} COMMIT")).await;
    run(
        shell,
        "INSERT INTO events (id, event_id, created_at, hostname, handle, subject, announce, event_type, severity, transition,
            details, source, drift_id, body)
            VALUES (900, gen_random_uuid(), now(), 'a', 'H', 'host:a', true, 'VM_DOWN', 'high', 'opened', '', '', 'k', '{}');
        INSERT INTO evenkeel_deliveries (sink, event_seq, drift_key, created_at, due_at)
            SELECT 'n8n', id, 'k', '2025-12-22', '2025-12-22' FROM events WHERE event_id IS NOT NULL",
    )
    .await;
}

#[tokio::test]
async fn an_upgrade_keeps_what_is_there_and_whoever_only_runs_is_granted_the_new_tables() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let mut shell = furnish(&schema, INSTALLATION).await;
    as_before(&mut shell).await;
    let before = dump(&mut shell).await;
    let role = role(&mut shell, &schema, "runner").await;
    let options = as_role(&schema, &role);
    run(&mut shell, &page("For running only", &schema, &role)).await;
    let error = PgStore::open(&options).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "only the owner migrates: {error}");
    let error = PgStore::open_read_only(&options).await.unwrap_err();
    assert!(matches!(error, Error::Older { found: 1, known: 5, .. }), "{error}");

    let owner = schema.open().await;
    owner.lead("the owner", Duration::from_secs(600)).await.unwrap();
    assert_eq!(dump(&mut shell).await, before);
    let claimed = owner.claim(None, 9, Duration::from_secs(9), at(1)).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.payload.as_slice()).collect::<Vec<_>>(), [b"{}"]);
    owner.resign().await.unwrap();
    let error = PgStore::open(&options).await.unwrap_err().to_string();
    for table in ["callbacks", "notices", "proposals", "repair_controls", "sessions", "silences"] {
        assert!(error.contains(&format!("evenkeel_{table}")), "{error}");
    }

    run(&mut shell, &page("For running only", &schema, &role)).await;
    let store = PgStore::open(&options).await.unwrap();
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    let over = in_state(&proposal("a", "x", 1, "restart"), withdrawn(2)).unwrap();
    let step = RepairCommit {
        callbacks: vec![callback(1, &over, 9_000_000)],
        notices: vec![notice(9, Some(&over), &["n8n"]).unwrap()],
        ..making(3, &[&over])
    };
    store.commit_repair(step).await.unwrap();
    assert_eq!(store.repairs(at(0)).await.unwrap().controls_revision, 0);
    let pruned = store.prune(&RetentionPolicy::default(), at(8_000_000)).await.unwrap();
    assert_eq!(pruned.proposals, 1, "{pruned:?}");
    store.close().await;
    drop(store);
    gone(&mut shell, &role).await;
}
