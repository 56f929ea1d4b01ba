//! Reading ledgers back, and who was matched with whom.

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::id::Subject;
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::commit::json;
use super::writer::Durability;
use crate::error::Result;
use crate::text::{Reading, identity};
use crate::types::Loaded;

macro_rules! loading {
    ($tail:literal) => {
        concat!(
            "SELECT s.subject, s.revision, s.born, s.fingerprint, s.identity, d.entry \
                FROM subjects s LEFT JOIN drifts d ON d.subject = s.subject ",
            $tail
        )
    };
}

impl Inner {
    pub(super) async fn load(&self, subject: &Subject) -> Result<Loaded> {
        let mut reader = self.reader().await?;
        // One statement, so that revision and entries are of one moment.
        let rows = sqlx::query(loading!("WHERE s.subject = ?1"))
            .bind(subject.to_string())
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let Some(first) = rows.first() else {
            return Ok(Loaded::unknown(subject.clone()));
        };
        let mut loaded = self.head(subject.clone(), first)?;
        rows.iter().try_for_each(|row| self.add(&mut loaded, row))?;
        Ok(loaded)
    }

    pub(super) async fn load_all(&self) -> Result<Vec<Loaded>> {
        let mut reader = self.reader().await?;
        let mut rows = sqlx::query(loading!("ORDER BY s.subject")).fetch(&mut *reader);
        let mut all: Vec<Loaded> = Vec::new();
        let mut name = String::new();
        while let Some(row) = rows.try_next().await.map_err(|error| self.explain(error))? {
            let subject: &str = self.cell(&row, 0)?;
            if all.is_empty() || name != subject {
                name = subject.to_owned();
                let reading = Reading { at: &self.at, column: "subjects.subject" };
                all.push(self.head(reading.word(subject, Subject::parse)?, &row)?);
            }
            if let Some(loaded) = all.last_mut() {
                self.add(loaded, &row)?;
            }
        }
        Ok(all)
    }

    fn head(&self, subject: Subject, row: &SqliteRow) -> Result<Loaded> {
        let reading = |column| Reading { at: &self.at, column };
        let mut loaded = Loaded::unknown(subject);
        loaded.revision = self.cell::<i64>(row, 1)?.cast_unsigned();
        loaded.ledger.born = reading("subjects.born").moments(self.cell(row, 2)?)?;
        let fingerprint: Option<&str> = self.cell(row, 3)?;
        let hash = fingerprint.map(|text| reading("subjects.fingerprint").hash(text)).transpose()?;
        loaded.fingerprint = hash.map(Fingerprint);
        let identity: Option<&str> = self.cell(row, 4)?;
        loaded.identity = identity.map(|text| reading("subjects.identity").identity(text)).transpose()?;
        Ok(loaded)
    }

    fn add(&self, loaded: &mut Loaded, row: &SqliteRow) -> Result<()> {
        let Some(entry) = self.cell::<Option<&str>>(row, 5)? else {
            return Ok(());
        };
        let reading = Reading { at: &self.at, column: "drifts.entry" };
        let entry: Box<Entry> = reading.json(entry)?;
        loaded.ledger.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    pub(super) async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = matches.iter().map(|(s, to)| (s.to_string(), to.map(identity))).collect();
        let rows = json(&rows)?;
        let mut tx = self.begin(Durability::Kept).await?;
        let remembered = sqlx::query(
            "INSERT INTO subjects (subject, revision, identity)
                SELECT value ->> 0, 0, value ->> 1 FROM jsonb_each(?1) WHERE true
                ON CONFLICT (subject) DO UPDATE SET identity = excluded.identity",
        )
        .bind(rows)
        .execute(tx.connection())
        .await;
        tx.end(remembered.map(|_| ()).map_err(|error| self.explain(error))).await
    }
}
