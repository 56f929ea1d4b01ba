//! Reading ledgers back, and who was matched with whom.

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::id::Subject;
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use futures_util::TryStreamExt;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgRow;

use super::Inner;
use super::session::Reader;
use super::values::key;
use crate::error::Result;
use crate::text::{Reading, identity};
use crate::types::Loaded;

macro_rules! loading {
    ($tail:literal) => {
        concat!(
            "SELECT s.subject, s.revision, s.born, s.fingerprint, s.identity, d.entry \
                FROM evenkeel_subjects s LEFT JOIN evenkeel_drifts d ON d.subject = s.subject ",
            $tail
        )
    };
}

impl Inner {
    pub(super) async fn load(&self, subject: &Subject) -> Result<Loaded> {
        // One statement, so that revision and entries are of one moment.
        let name = subject.to_string();
        let rows = self.read(self.query(loading!("WHERE s.subject = $1")).bind(key(&name))).await?;
        let Some(first) = rows.first() else {
            return Ok(Loaded::unknown(subject.clone()));
        };
        let mut loaded = self.head(subject.clone(), first)?;
        rows.iter().try_for_each(|row| self.add(&mut loaded, row))?;
        Ok(loaded)
    }

    pub(super) async fn load_all(&self) -> Result<Vec<Loaded>> {
        let mut reader = self.reader().await?;
        let all = self.everything(&mut reader).await?;
        reader.end().await;
        Ok(all)
    }

    async fn everything(&self, reader: &mut Reader) -> Result<Vec<Loaded>> {
        // By bytes: the database's own collation may sort otherwise.
        let mut rows = self.query(loading!("ORDER BY s.subject COLLATE \"C\"")).fetch(&mut **reader);
        let mut all: Vec<Loaded> = Vec::new();
        let mut name = String::new();
        while let Some(row) = rows.try_next().await.map_err(|error| self.explain(error))? {
            let subject: &str = self.cell(&row, 0)?;
            if all.is_empty() || name != subject {
                name = subject.to_owned();
                let reading = Reading { at: &self.at, column: "evenkeel_subjects.subject" };
                all.push(self.head(reading.word(subject, Subject::parse)?, &row)?);
            }
            if let Some(loaded) = all.last_mut() {
                self.add(loaded, &row)?;
            }
        }
        Ok(all)
    }

    fn head(&self, subject: Subject, row: &PgRow) -> Result<Loaded> {
        let reading = |column| Reading { at: &self.at, column };
        let mut loaded = Loaded::unknown(subject);
        loaded.revision = self.cell::<i64>(row, 1)?.cast_unsigned();
        loaded.ledger.born = self.cell::<Option<Moment>>(row, 2)?.map(|born| born.to_jiff());
        let fingerprint: Option<&str> = self.cell(row, 3)?;
        let hash = fingerprint.map(|text| reading("evenkeel_subjects.fingerprint").hash(text)).transpose()?;
        loaded.fingerprint = hash.map(Fingerprint);
        let identity: Option<&str> = self.cell(row, 4)?;
        loaded.identity =
            identity.map(|text| reading("evenkeel_subjects.identity").identity(text)).transpose()?;
        Ok(loaded)
    }

    fn add(&self, loaded: &mut Loaded, row: &PgRow) -> Result<()> {
        let Some(entry) = self.cell::<Option<&str>>(row, 5)? else {
            return Ok(());
        };
        let reading = Reading { at: &self.at, column: "evenkeel_drifts.entry" };
        let entry: Box<Entry> = reading.json(entry)?;
        loaded.ledger.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    pub(super) async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        // The last word about a subject counts; a statement takes only one.
        let matches: std::collections::BTreeMap<String, Option<String>> = matches
            .iter()
            .map(|(subject, to)| (key(&subject.to_string()).into_owned(), to.map(identity)))
            .collect();
        let (subjects, identities): (Vec<_>, Vec<_>) = matches.into_iter().unzip();
        let mut tx = self.begin().await?;
        let remembered = self
            .query(
                "INSERT INTO evenkeel_subjects (subject, revision, identity)
                    SELECT m.subject, 0, m.identity FROM unnest($1::text[], $2::text[]) AS m (subject, identity)
                    ON CONFLICT (subject) DO UPDATE SET identity = excluded.identity",
            )
            .bind(subjects)
            .bind(identities)
            .execute(tx.connection())
            .await;
        tx.end(remembered.map(|_| ()).map_err(|error| self.explain(error))).await
    }
}
