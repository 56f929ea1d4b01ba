//! Snapshots of both truths, kept where they changed; the last inventory; sources and assets.

use std::collections::{BTreeSet, HashMap};

use evenkeel_core::id::{HostName, SourceId};
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::Inner;
use super::commit::json;
use super::size::Growth;
use super::text::stamp;
use super::writer::Durability;
use crate::error::Result;
use crate::rows::{AssetRow, ExpectedRow, ObservedRow, SavedInventory};
use crate::sorting::{chunks, sort};
use crate::text::{Reading, hex};
use crate::types::Saved;

impl Inner {
    pub(super) async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        if rows.is_empty() {
            return Ok(Saved::default());
        }
        // What a power failure forgets is observed again.
        let mut tx = self.begin(Durability::Relaxed).await?;
        let saved = self.observed(tx.connection(), rows).await;
        if let Ok(saved) = &saved {
            let observed_snapshots = saved.changed.cast_signed();
            tx.grows(Growth { observed_snapshots, ..Growth::default() });
        }
        tx.end(saved).await
    }

    async fn observed(&self, connection: &mut SqliteConnection, rows: &[ObservedRow]) -> Result<Saved> {
        let key = |row: &ObservedRow| (row.hostname.as_str().to_owned(), row.source.to_string());
        let keys: Vec<_> = rows.iter().map(key).collect();
        let heads = self
            .heads(
                connection,
                "SELECT h.hostname, h.source_id, h.hash, h.last_seen FROM jsonb_each(?1) j JOIN observed_heads h
                    ON h.hostname = j.value ->> 0 AND h.source_id = j.value ->> 1",
                json(&keys)?,
            )
            .await?;
        let sorted = sort(rows, heads, key, |row| (hex(row.hash), stamp(row.observed_at)));
        for chunk in chunks(&sorted.changed, |row| row.snapshot.len()) {
            let tuples: Vec<_> = chunk
                .iter()
                .map(|row| {
                    let (hostname, source) = (row.hostname.as_str(), row.source.to_string());
                    let at = stamp(row.observed_at);
                    (hostname, row.source.kind.as_str(), &row.snapshot, at, source, hex(row.hash))
                })
                .collect();
            self.run(
                connection,
                "INSERT INTO observed_snapshots (hostname, source, snapshot, observed_at, source_id, hash)
                    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
                    FROM jsonb_each(?1)",
                json(&tuples)?,
            )
            .await?;
        }
        let seen = sorted.heads.into_iter().map(|((host, source), hash, at)| (host, source, hash, at));
        self.run(
            connection,
            "INSERT INTO observed_heads (hostname, source_id, hash, snapshot_id, last_seen)
                SELECT value ->> 0, value ->> 1, value ->> 2,
                    (SELECT max(o.id) FROM observed_snapshots o
                        WHERE o.hostname = value ->> 0 AND o.source_id = value ->> 1), value ->> 3
                FROM jsonb_each(?1) WHERE true
                ON CONFLICT (hostname, source_id) DO UPDATE SET hash = excluded.hash,
                    snapshot_id = excluded.snapshot_id, last_seen = excluded.last_seen
                    WHERE excluded.last_seen >= last_seen",
            json(&seen.collect::<Vec<_>>())?,
        )
        .await?;
        Ok(sorted.saved)
    }

    pub(super) async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        if rows.is_empty() {
            return Ok(Saved::default());
        }
        let mut tx = self.begin(Durability::Relaxed).await?;
        let saved = self.expected(tx.connection(), rows).await;
        if let Ok(saved) = &saved {
            let expected_snapshots = saved.changed.cast_signed();
            tx.grows(Growth { expected_snapshots, ..Growth::default() });
        }
        tx.end(saved).await
    }

    async fn expected(&self, connection: &mut SqliteConnection, rows: &[ExpectedRow]) -> Result<Saved> {
        let key = |row: &ExpectedRow| (row.kind.clone(), row.hostname.as_str().to_owned());
        let keys: Vec<_> = rows.iter().map(key).collect();
        let heads = self
            .heads(
                connection,
                "SELECT h.snapshot_type, h.hostname, h.hash, h.last_seen FROM jsonb_each(?1) j JOIN expected_heads h
                    ON h.snapshot_type = j.value ->> 0 AND h.hostname = j.value ->> 1",
                json(&keys)?,
            )
            .await?;
        let sorted = sort(rows, heads, key, |row| (hex(row.hash), stamp(row.at)));
        for chunk in chunks(&sorted.changed, |row| row.data.len()) {
            let tuples: Vec<_> = chunk
                .iter()
                .map(|row| (&row.kind, &row.data, stamp(row.at), row.hostname.as_str(), hex(row.hash)))
                .collect();
            self.run(
                connection,
                "INSERT INTO snapshots (snapshot_type, data, created_at, hostname, hash)
                    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?1)",
                json(&tuples)?,
            )
            .await?;
        }
        let seen = sorted.heads.into_iter().map(|((kind, host), hash, at)| (kind, host, hash, at));
        self.run(
            connection,
            "INSERT INTO expected_heads (snapshot_type, hostname, hash, snapshot_id, last_seen)
                SELECT value ->> 0, value ->> 1, value ->> 2,
                    (SELECT max(s.id) FROM snapshots s
                        WHERE s.snapshot_type = value ->> 0 AND s.hostname = value ->> 1), value ->> 3
                FROM jsonb_each(?1) WHERE true
                ON CONFLICT (snapshot_type, hostname) DO UPDATE SET hash = excluded.hash,
                    snapshot_id = excluded.snapshot_id, last_seen = excluded.last_seen
                    WHERE excluded.last_seen >= last_seen",
            json(&seen.collect::<Vec<_>>())?,
        )
        .await?;
        Ok(sorted.saved)
    }

    async fn heads(
        &self,
        connection: &mut SqliteConnection,
        sql: &'static str,
        keys: String,
    ) -> Result<HashMap<(String, String), (String, String)>> {
        let rows =
            sqlx::query(sql).bind(keys).fetch_all(connection).await.map_err(|error| self.explain(error))?;
        let head =
            |row| Ok(((self.cell(row, 0)?, self.cell(row, 1)?), (self.cell(row, 2)?, self.cell(row, 3)?)));
        rows.iter().map(head).collect()
    }

    async fn run(&self, connection: &mut SqliteConnection, sql: &'static str, rows: String) -> Result<()> {
        let done = sqlx::query(sql).bind(rows).execute(connection).await;
        done.map(|_| ()).map_err(|error| self.explain(error))
    }

    pub(super) async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        let mut tx = self.begin(Durability::Kept).await?;
        let saved = sqlx::query(
            "INSERT INTO inventories (source_id, observed_at, data) VALUES (?1, ?2, ?3)
                ON CONFLICT (source_id) DO UPDATE SET observed_at = excluded.observed_at, data = excluded.data",
        )
        .bind(inventory.source.to_string())
        .bind(stamp(inventory.observed_at))
        .bind(&inventory.bytes[..])
        .execute(tx.connection())
        .await;
        tx.end(saved.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT h.source_id, h.hash, h.last_seen, s.snapshot FROM observed_heads h
                JOIN observed_snapshots s ON s.id = h.snapshot_id WHERE h.hostname = ?1 ORDER BY h.source_id",
        )
        .bind(host.as_str())
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.explain(error))?;
        let reading = |column| Reading { at: &self.at, column };
        rows.iter()
            .map(|row| {
                Ok(ObservedRow {
                    hostname: host.clone(),
                    source: reading("observed_heads.source_id").word(self.cell(row, 0)?, SourceId::parse)?,
                    hash: reading("observed_heads.hash").hash(self.cell(row, 1)?)?,
                    observed_at: reading("observed_heads.last_seen").moment(self.cell(row, 2)?)?,
                    snapshot: self.cell(row, 3)?,
                })
            })
            .collect()
    }

    pub(super) async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT DISTINCT source_id FROM observed_heads")
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let reading = Reading { at: &self.at, column: "observed_heads.source_id" };
        rows.iter().map(|row| reading.word(self.cell(row, 0)?, SourceId::parse)).collect()
    }

    pub(super) async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT observed_at, data FROM inventories WHERE source_id = ?1")
            .bind(source.to_string())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let Some(row) = row else { return Ok(None) };
        let reading = Reading { at: &self.at, column: "inventories.observed_at" };
        Ok(Some(SavedInventory {
            source: source.clone(),
            observed_at: reading.moment(self.cell(&row, 0)?)?,
            bytes: self.cell(&row, 1)?,
        }))
    }

    pub(super) async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
        let mut tx = self.begin(Durability::Kept).await?;
        let saved = sqlx::query(
            "INSERT INTO sources (name, created_at) SELECT value, ?2 FROM json_each(?1) WHERE true
                ON CONFLICT (name) DO NOTHING",
        )
        .bind(json(&names)?)
        .bind(stamp(at))
        .execute(tx.connection())
        .await;
        tx.end(saved.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        let rows: Vec<_> =
            assets.iter().map(|a| (&a.asset_type, &a.name, &a.parent, a.metadata.to_string())).collect();
        let mut tx = self.begin(Durability::Relaxed).await?;
        let saved = sqlx::query(
            "INSERT INTO assets (asset_type, name, parent, metadata, created_at)
                SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2 FROM jsonb_each(?1) WHERE true
                ON CONFLICT (asset_type, name) DO UPDATE SET parent = excluded.parent, metadata = excluded.metadata
                WHERE parent IS NOT excluded.parent OR metadata IS NOT excluded.metadata",
        )
        .bind(json(&rows)?)
        .bind(stamp(at))
        .execute(tx.connection())
        .await;
        tx.end(saved.map(|_| ()).map_err(|error| self.explain(error))).await
    }
}
