//! Snapshots of both truths, kept where they changed; the last inventory; sources and assets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evenkeel_core::id::{HostName, SourceId};
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;

use super::Inner;
use super::values::{cut, json, key, moment, texts};
use crate::error::Result;
use crate::rows::{AssetRow, ExpectedRow, ObservedRow, SavedInventory};
use crate::sorting::{chunks, sort};
use crate::text::{Reading, hex};
use crate::types::Saved;

/// What a snapshot is of: the host and the source, or the kind and the host.
type Key = (String, String);

impl Inner {
    pub(super) async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        if rows.is_empty() {
            return Ok(Saved::default());
        }
        let mut tx = self.begin().await?;
        let saved = self.observed(tx.connection(), rows).await;
        tx.end(saved).await
    }

    async fn observed(&self, connection: &mut PgConnection, rows: &[ObservedRow]) -> Result<Saved> {
        let of = |row: &ObservedRow| -> Key {
            (key(row.hostname.as_str()).into_owned(), key(&row.source.to_string()).into_owned())
        };
        let kept = self
            .heads(
                connection,
                "SELECT h.hostname, h.source_id, h.hash, h.last_seen
                    FROM evenkeel_observed_heads h JOIN unnest($1::text[], $2::text[]) AS k (hostname, source_id)
                    ON h.hostname = k.hostname AND h.source_id = k.source_id",
                rows.iter().map(of).collect(),
            )
            .await?;
        let sorted = sort(rows, kept, of, |row| (hex(row.hash), cut(row.observed_at)));
        for chunk in chunks(&sorted.changed, |row| row.snapshot.len()) {
            let (hosts, sources): (Vec<_>, Vec<_>) = chunk.iter().map(|row| of(row)).unzip();
            let insert = self
                .query(
                    "INSERT INTO observed_snapshots (hostname, source, snapshot, observed_at, source_id, hash)
                        SELECT o.hostname, o.source, o.snapshot::jsonb, o.observed_at, o.source_id, o.hash
                        FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
                            AS o (hostname, source, snapshot, observed_at, source_id, hash)",
                )
                .bind(hosts)
                .bind(chunk.iter().map(|row| row.source.kind.as_str()).collect::<Vec<_>>())
                .bind(chunk.iter().map(|row| json(&row.snapshot)).collect::<Vec<_>>())
                .bind(chunk.iter().map(|row| moment(row.observed_at)).collect::<Vec<_>>())
                .bind(sources)
                .bind(chunk.iter().map(|row| hex(row.hash)).collect::<Vec<_>>());
            self.run_one(connection, insert).await?;
        }
        self.set_heads(
            connection,
            "INSERT INTO evenkeel_observed_heads AS h (hostname, source_id, hash, snapshot_id, last_seen)
                SELECT n.hostname, n.source_id, n.hash, (SELECT max(o.id) FROM observed_snapshots o
                    WHERE o.hostname = n.hostname AND o.source_id = n.source_id AND o.hash IS NOT NULL), n.last_seen
                FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
                    AS n (hostname, source_id, hash, last_seen)
                ON CONFLICT (hostname, source_id) DO UPDATE SET hash = excluded.hash,
                    snapshot_id = excluded.snapshot_id, last_seen = excluded.last_seen
                    WHERE excluded.last_seen >= h.last_seen",
            sorted.heads,
        )
        .await?;
        Ok(sorted.saved)
    }

    pub(super) async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        if rows.is_empty() {
            return Ok(Saved::default());
        }
        let mut tx = self.begin().await?;
        let saved = self.expected(tx.connection(), rows).await;
        tx.end(saved).await
    }

    async fn expected(&self, connection: &mut PgConnection, rows: &[ExpectedRow]) -> Result<Saved> {
        let of = |row: &ExpectedRow| -> Key {
            (key(&row.kind).into_owned(), key(row.hostname.as_str()).into_owned())
        };
        let kept = self
            .heads(
                connection,
                "SELECT h.snapshot_type, h.hostname, h.hash, h.last_seen
                    FROM evenkeel_expected_heads h JOIN unnest($1::text[], $2::text[]) AS k (snapshot_type, hostname)
                    ON h.snapshot_type = k.snapshot_type AND h.hostname = k.hostname",
                rows.iter().map(of).collect(),
            )
            .await?;
        let sorted = sort(rows, kept, of, |row| (hex(row.hash), cut(row.at)));
        for chunk in chunks(&sorted.changed, |row| row.data.len()) {
            let (kinds, hosts): (Vec<_>, Vec<_>) = chunk.iter().map(|row| of(row)).unzip();
            let insert = self
                .query(
                    "INSERT INTO snapshots (snapshot_type, data, created_at, hostname, hash)
                        SELECT s.snapshot_type, s.data::jsonb, s.created_at, s.hostname, s.hash
                        FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
                            AS s (snapshot_type, data, created_at, hostname, hash)",
                )
                .bind(kinds)
                .bind(chunk.iter().map(|row| json(&row.data)).collect::<Vec<_>>())
                .bind(chunk.iter().map(|row| moment(row.at)).collect::<Vec<_>>())
                .bind(hosts)
                .bind(chunk.iter().map(|row| hex(row.hash)).collect::<Vec<_>>());
            self.run_one(connection, insert).await?;
        }
        self.set_heads(
            connection,
            "INSERT INTO evenkeel_expected_heads AS h (snapshot_type, hostname, hash, snapshot_id, last_seen)
                SELECT n.snapshot_type, n.hostname, n.hash, (SELECT max(s.id) FROM snapshots s
                    WHERE s.snapshot_type = n.snapshot_type AND s.hostname = n.hostname AND s.hash IS NOT NULL),
                    n.last_seen
                FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
                    AS n (snapshot_type, hostname, hash, last_seen)
                ON CONFLICT (snapshot_type, hostname) DO UPDATE SET hash = excluded.hash,
                    snapshot_id = excluded.snapshot_id, last_seen = excluded.last_seen
                    WHERE excluded.last_seen >= h.last_seen",
            sorted.heads,
        )
        .await?;
        Ok(sorted.saved)
    }

    async fn heads(
        &self,
        connection: &mut PgConnection,
        sql: &'static str,
        keys: Vec<Key>,
    ) -> Result<HashMap<Key, (String, Timestamp)>> {
        let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let rows = self.query(sql).bind(first).bind(second).fetch_all(connection).await;
        let rows = rows.map_err(|error| self.explain(error))?;
        let head = |row| {
            let seen: Moment = self.cell(row, 3)?;
            Ok(((self.cell(row, 0)?, self.cell(row, 1)?), (self.cell(row, 2)?, seen.to_jiff())))
        };
        rows.iter().map(head).collect()
    }

    async fn set_heads(
        &self,
        connection: &mut PgConnection,
        sql: &'static str,
        heads: Vec<(Key, String, Timestamp)>,
    ) -> Result<()> {
        let (keys, states): (Vec<_>, Vec<_>) =
            heads.into_iter().map(|(key, hash, seen)| (key, (hash, moment(seen)))).unzip();
        let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let (hashes, moments): (Vec<_>, Vec<_>) = states.into_iter().unzip();
        let set = self.query(sql).bind(first).bind(second).bind(hashes).bind(moments);
        self.run_one(connection, set).await
    }

    async fn run_one(
        &self,
        connection: &mut PgConnection,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<()> {
        query.execute(connection).await.map(|_| ()).map_err(|error| self.explain(error))
    }

    /// One statement in a transaction of its own.
    async fn write_one(&self, query: Query<'_, Postgres, PgArguments>) -> Result<()> {
        let mut tx = self.begin().await?;
        let done = self.run_one(tx.connection(), query).await;
        tx.end(done).await
    }

    pub(super) async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        let source = inventory.source.to_string();
        let save = self
            .query(
                "INSERT INTO evenkeel_inventories (source_id, observed_at, data) VALUES ($1, $2, $3)
                    ON CONFLICT (source_id) DO UPDATE SET observed_at = excluded.observed_at, data = excluded.data",
            )
            .bind(key(&source))
            .bind(moment(inventory.observed_at))
            .bind(&inventory.bytes[..]);
        self.write_one(save).await
    }

    pub(super) async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        let query = self.query(
            "SELECT h.source_id, h.hash, h.last_seen, s.snapshot::text FROM evenkeel_observed_heads h
                JOIN observed_snapshots s ON s.id = h.snapshot_id WHERE h.hostname = $1
                ORDER BY h.source_id COLLATE \"C\"",
        );
        let rows = self.read(query.bind(key(host.as_str()))).await?;
        let reading = |column| Reading { at: &self.at, column };
        rows.iter()
            .map(|row| {
                let seen: Moment = self.cell(row, 2)?;
                // As it was written: `jsonb` has its own order of keys and its own spaces.
                let snapshot: serde_json::Value =
                    reading("observed_snapshots.snapshot").json(self.cell(row, 3)?)?;
                Ok(ObservedRow {
                    hostname: host.clone(),
                    source: reading("evenkeel_observed_heads.source_id")
                        .word(self.cell(row, 0)?, SourceId::parse)?,
                    hash: reading("evenkeel_observed_heads.hash").hash(self.cell(row, 1)?)?,
                    observed_at: seen.to_jiff(),
                    snapshot: snapshot.to_string(),
                })
            })
            .collect()
    }

    pub(super) async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        let rows = self.read(self.query("SELECT DISTINCT source_id FROM evenkeel_observed_heads")).await?;
        let reading = Reading { at: &self.at, column: "evenkeel_observed_heads.source_id" };
        rows.iter().map(|row| reading.word(self.cell(row, 0)?, SourceId::parse)).collect()
    }

    pub(super) async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        let name = source.to_string();
        let query = self.query("SELECT observed_at, data FROM evenkeel_inventories WHERE source_id = $1");
        let rows = self.read(query.bind(key(&name))).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let seen: Moment = self.cell(row, 0)?;
        Ok(Some(SavedInventory {
            source: source.clone(),
            observed_at: seen.to_jiff(),
            bytes: self.cell(row, 1)?,
        }))
    }

    pub(super) async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        let names: BTreeSet<String> =
            sources.iter().map(|source| key(&source.to_string()).into_owned()).collect();
        // An installation's table has no rule that forbids two of a name.
        let save = self
            .query(
                "INSERT INTO sources (name, created_at) SELECT n.name, $2 FROM unnest($1::text[]) AS n (name)
                    WHERE NOT EXISTS (SELECT 1 FROM sources s WHERE s.name = n.name)",
            )
            .bind(names.into_iter().collect::<Vec<_>>())
            .bind(moment(at));
        self.write_one(save).await
    }

    pub(super) async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        // The last word about a name counts; a statement takes only one.
        let rows: BTreeMap<_, _> = assets.iter().map(|a| ((key(&a.asset_type), key(&a.name)), a)).collect();
        let (keys, assets): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let (types, names): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let metadata = |asset: &&AssetRow| json(&asset.metadata.to_string()).into_owned();
        let save = self
            .query(
                "INSERT INTO assets (asset_type, name, parent, metadata, created_at, managed_by)
                    SELECT a.asset_type, a.name, a.parent, a.metadata::jsonb, $5, 'evenkeel'
                    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS a (asset_type, name, parent, metadata)
                    ON CONFLICT (asset_type, name) WHERE managed_by = 'evenkeel'
                    DO UPDATE SET parent = excluded.parent, metadata = excluded.metadata
                    WHERE assets.parent IS DISTINCT FROM excluded.parent
                        OR assets.metadata IS DISTINCT FROM excluded.metadata",
            )
            .bind(types)
            .bind(names)
            .bind(assets.iter().map(|asset| texts(asset.parent.as_deref())).collect::<Vec<_>>())
            .bind(assets.iter().map(metadata).collect::<Vec<_>>())
            .bind(moment(at));
        self.write_one(save).await
    }
}
