//! Rows of ours put on trial in tables that an installation guards with checks, references or triggers of its own: what
//! these refuse is told before anything is adopted, instead of at the first drift.

use evenkeel_core::event::{EventType, Severity};
use sqlx::postgres::PgConnection;

use super::Inner;
use crate::error::Result;
use crate::rows::JournalKind;

/// Every word of ours that a check may not know: by table, the words, and a row with one of them.
const EVENT: &str = "INSERT INTO events (hostname, event_type, severity, details, source, event_id, transition, drift_id,
        handle, subject, announce, body)
    VALUES ('evenkeel-trial', $1, $2, 'trial', 'docker', gen_random_uuid(), 'opened', 'trial', 'trial', 'host:trial',
        true, '{}')";
const JOURNAL: &str = "INSERT INTO journal (kind, subject, actor, text) VALUES ($1, $2, 'evenkeel', 'trial')";
const SOURCE: &str = "INSERT INTO sources (name) VALUES ($1 || $2)";
const ASSET: &str = "INSERT INTO assets (asset_type, name, managed_by) VALUES ($1, $2, 'evenkeel')";
const SNAPSHOT: &str =
    "INSERT INTO snapshots (snapshot_type, data, hostname, hash) VALUES ($1, '{}', $2, 'trial')";
const OBSERVED: &str = "INSERT INTO observed_snapshots (hostname, source, snapshot, source_id, hash)
    VALUES ($2, $1, '{}', 'trial', 'trial')";

type Words = Vec<(&'static str, &'static str)>;

/// What to try in a table of this name.
fn trials(table: &str) -> (&'static str, Words) {
    let name = "evenkeel-trial";
    match table {
        "events" => {
            // Each of the shorter list comes up with one of the longer.
            let severities = Severity::ALL.into_iter().cycle();
            let words = EventType::ALL.into_iter().zip(severities);
            (EVENT, words.map(|(kind, severity)| (kind.code(), severity.as_str())).collect())
        }
        "journal" => (JOURNAL, JournalKind::ALL.map(|kind| (kind.as_str(), name)).to_vec()),
        "sources" => (SOURCE, vec![("docker/", name)]),
        "assets" => (ASSET, vec![("device", name), ("virtual_machine", name)]),
        "snapshots" => (SNAPSHOT, vec![("host", name)]),
        "observed_snapshots" => {
            let kinds = ["docker", "proxmox", "truenas", "probe", "push"];
            (OBSERVED, kinds.map(|kind| (kind, name)).to_vec())
        }
        _ => ("", Vec::new()),
    }
}

impl Inner {
    /// Puts rows into these tables and takes them out again. Says what was refused, all of it.
    pub(super) async fn try_rows(
        &self,
        connection: &mut PgConnection,
        tables: &[&'static str],
    ) -> Result<()> {
        let mut problems = Vec::new();
        for table in tables {
            let (insert, words) = trials(table);
            for (first, second) in words {
                let explain = |error| self.explain(error);
                sqlx::raw_sql("SAVEPOINT trial").execute(&mut *connection).await.map_err(explain)?;
                let tried = self.query(insert).bind(first).bind(second).execute(&mut *connection).await;
                if let Err(error) = tried {
                    problems.push(refusal(table, first, error).map_err(explain)?);
                }
                sqlx::raw_sql("ROLLBACK TO SAVEPOINT trial")
                    .execute(&mut *connection)
                    .await
                    .map_err(explain)?;
            }
        }
        problems.dedup();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(self.unfit(problems)),
        }
    }
}

fn refusal(table: &str, word: &str, error: sqlx::Error) -> Result<String, sqlx::Error> {
    let Some(refused) = error.as_database_error() else { return Err(error) };
    let by = refused
        .constraint()
        .map_or_else(|| "a trigger or a check".to_owned(), |name| format!("constraint {name}"));
    Ok(format!("{table} takes no row of ours ({word}): {}; widen or drop {by}", refused.message()))
}
