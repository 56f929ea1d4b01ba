//! Is the database set up as meant? It is only looked at: tables are made by the first controller that runs there.

use evenkeel_store::postgres::{Face, Relation};
use evenkeel_store::{Error, PgStore, Store};

use crate::cli::failure::chain;
use crate::config::Postgres;
use crate::render::doctor::Check;
use crate::wiring;

const GROUP: &str = "store";

pub(super) async fn checks(config: &Postgres) -> Vec<Check> {
    let store = match PgStore::open_read_only(&wiring::postgres(config)).await {
        Ok(store) => store,
        Err(error) => return vec![closed(&error)],
    };
    let looked = look(config, &store).await;
    store.close().await;
    looked.unwrap_or_else(|error| vec![Check::fail(GROUP, chain(&error), advice(&error))])
}

async fn look(config: &Postgres, store: &PgStore) -> Result<Vec<Check>, Error> {
    let face = store.face().await?;
    let (size, rows) = (store.size().await?, store.rows().await?);
    let mut checks = vec![Check::ok(
        GROUP,
        format!(
            "{} can be read: PostgreSQL {}, role {}, schema {}; {} events in {} MB",
            store.at(),
            face.version,
            face.role,
            face.schema,
            rows.events,
            size / 1_000_000
        ),
    )];
    checks.push(encryption(config, &face));
    checks.extend(rights(&face));
    checks.extend(visitors(&face.relations));
    Ok(checks)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the store's list of errors is open to others")]
fn closed(error: &Error) -> Check {
    match error {
        Error::Older { .. } => Check::warn(GROUP, chain(error), advice(error)),
        error => Check::fail(GROUP, chain(error), advice(error)),
    }
}

fn encryption(config: &Postgres, face: &Face) -> Check {
    match (&face.tls, config.plaintext) {
        (Some(version), _) => Check::ok(GROUP, format!("the connection is encrypted ({version})")),
        (None, false) => Check::ok(GROUP, "the connection is not encrypted and stays on this machine"),
        (None, true) => Check::warn(
            GROUP,
            "the connection is not encrypted: whoever reads along sees what is kept",
            "`store.insecure_plaintext` allows it; give the server a certificate instead",
        ),
    }
}

fn rights(face: &Face) -> Vec<Check> {
    let mut checks = Vec::new();
    if face.superuser {
        let hint = "docs/postgresql.md says which rights suffice";
        checks.push(Check::warn(GROUP, format!("role {} may do everything on the server", face.role), hint));
    }
    if let Some(sign) = &face.pooler_suspected {
        let hint = "set `store.transaction_pooler` if it lends connections for one transaction at a time";
        checks.push(Check::warn(GROUP, format!("a pooler seems to be in between ({sign})"), hint));
    }
    checks
}

/// Whether PostgREST shows what is kept to whoever asks, as it does in Supabase.
fn visitors(relations: &[Relation]) -> Vec<Check> {
    if relations.iter().all(|relation| relation.anon_may_read.is_none()) {
        return Vec::new();
    }
    let open = relations.iter().filter(|relation| relation.anon_may_read == Some(true) && !relation.rls);
    let open: Vec<&str> = open.map(|relation| relation.name.as_str()).collect();
    match open.as_slice() {
        [] => vec![Check::ok(GROUP, "visitors of PostgREST (role anon) can read none of it")],
        open => vec![Check::warn(
            GROUP,
            format!("visitors of PostgREST (role anon) can read {}", open.join(", ")),
            "ALTER TABLE … ENABLE ROW LEVEL SECURITY, for a view REVOKE ALL ON … FROM anon; docs/postgresql.md says more",
        )],
    }
}

/// What a person can do about it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the store's list of errors is open to others")]
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Unavailable { .. } => {
            "`store.url` says where it is; is it running, and does it let this machine in?"
        }
        Error::Denied { .. } | Error::ReadOnly { .. } => {
            "`store.url` and `store.password` say as whom; docs/postgresql.md says which rights are needed"
        }
        Error::Older { .. } => "the first `evenkeel run` makes or migrates the tables",
        Error::Newer { .. } => "a newer evenkeel has been here: run that one",
        Error::Foreign { .. } => "name another database, or another `store.schema`",
        _ => "`[store]` says where the state is kept",
    }
}
