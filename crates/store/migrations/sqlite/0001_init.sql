-- Moments are RFC 3339 text in UTC with six decimals: they sort as text, SQLite's own date functions understand them, and
-- a person with the sqlite3 shell can read them. Integers would save 19 bytes a column and be opaque.
-- JSON is text for the same reason.

-- "evkl": tells this file from other programs' databases.
PRAGMA application_id = 1702259564;

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE assets (
    id INTEGER PRIMARY KEY,
    asset_type TEXT NOT NULL,
    name TEXT NOT NULL,
    parent TEXT,
    metadata TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (asset_type, name)
) STRICT;

-- Expected snapshots. A row only where something changed; `expected_heads` says which row holds now, and since when it
-- was seen last.
CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    snapshot_type TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    hostname TEXT,
    hash TEXT
) STRICT;
CREATE INDEX snapshots_of ON snapshots (snapshot_type, hostname, id);

CREATE TABLE expected_heads (
    snapshot_type TEXT NOT NULL,
    hostname TEXT NOT NULL,
    hash TEXT NOT NULL,
    snapshot_id INTEGER NOT NULL,
    last_seen TEXT NOT NULL,
    PRIMARY KEY (snapshot_type, hostname)
) STRICT, WITHOUT ROWID;
CREATE INDEX expected_heads_snapshot ON expected_heads (snapshot_id);

-- `source` is the kind (docker), `source_id` the configured source (docker/box2-media).
CREATE TABLE observed_snapshots (
    id INTEGER PRIMARY KEY,
    hostname TEXT NOT NULL,
    source TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    observed_at TEXT NOT NULL,
    source_id TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX observed_snapshots_of ON observed_snapshots (hostname, source_id, id);

CREATE TABLE observed_heads (
    hostname TEXT NOT NULL,
    source_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    snapshot_id INTEGER NOT NULL,
    last_seen TEXT NOT NULL,
    PRIMARY KEY (hostname, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX observed_heads_snapshot ON observed_heads (snapshot_id);

-- The last complete expected state, so that a NetBox that is away at the start leaves nobody without one.
CREATE TABLE inventories (
    source_id TEXT PRIMARY KEY,
    observed_at TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT;

-- `body` is the event in its canonical form, written once: it is what every sink gets, at every attempt the same bytes.
-- The columns are for asking. No generated columns here or in `drifts`: SQLite computes them at every insert, parsing
-- the JSON once more.
CREATE TABLE event_log (
    id INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    hostname TEXT,
    handle TEXT NOT NULL,
    subject TEXT NOT NULL,
    announce INTEGER NOT NULL,
    service TEXT,
    event_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    transition TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX event_log_of_host ON event_log (hostname, id);
CREATE INDEX event_log_of_handle ON event_log (handle, id);
CREATE INDEX event_log_by_time ON event_log (created_at);

-- Events as people and installations read them.
CREATE VIEW events AS
SELECT id, hostname, service, event_type, body ->> '$.expected' AS expected, body ->> '$.observed' AS observed, severity,
    body ->> '$.details' AS details, body ->> '$.source' AS source, created_at, event_id, transition,
    body ->> '$.drift_id' AS drift_id, handle, subject, announce, body
FROM event_log;

CREATE TABLE subjects (
    subject TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    born TEXT,
    fingerprint TEXT,
    identity TEXT
) STRICT, WITHOUT ROWID;

-- The ledger. `entry` is the entry as the ledger reads it; the columns are for asking.
CREATE TABLE drifts (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    drift_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    state TEXT NOT NULL,
    event_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    service TEXT,
    folded INTEGER NOT NULL,
    entry TEXT NOT NULL,
    UNIQUE (subject, drift_id)
) STRICT;
CREATE INDEX drifts_of_handle ON drifts (handle);
CREATE INDEX drifts_open ON drifts (event_type, severity, folded) WHERE state = 'open';

-- The outbox. A claim moves `due_at` to the end of its lease, so a lease that ends makes the row due again by itself.
-- `attempts` doubles as the ticket: a later claim outdates an earlier one. What is sent is the event's `body`. The event
-- is named by its number, which keeps the index small. Not by a foreign key: the only statement that inserts knows the
-- number from the row it wrote or looked up, and the other direction is guarded below, for every connection.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    event_seq INTEGER NOT NULL,
    drift_key TEXT NOT NULL,
    -- Spelled out: an IN of three costs ten times as much, at every row.
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state = 'pending' OR state = 'delivered' OR state = 'dead'),
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    claimed_at TEXT,
    settled_at TEXT,
    first_error TEXT,
    last_error TEXT
) STRICT;
CREATE INDEX deliveries_due ON deliveries (sink, due_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_order ON deliveries (sink, drift_key, id) WHERE state = 'pending';
CREATE INDEX deliveries_settled ON deliveries (state, settled_at) WHERE state <> 'pending';
CREATE INDEX deliveries_of_event ON deliveries (event_seq);

CREATE TRIGGER an_event_stays_while_a_delivery_needs_it BEFORE DELETE ON event_log
WHEN EXISTS (SELECT 1 FROM deliveries WHERE event_seq = old.id) BEGIN
    SELECT raise(ABORT, 'a delivery needs this event');
END;
CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE ON event_log BEGIN
    SELECT raise(ABORT, 'events are only added');
END;

-- What was decided and done. Nothing in it is changed; rows go only when they are older than the operator keeps them.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT,
    event_id TEXT,
    drift_id TEXT,
    actor TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_time ON journal (created_at);
CREATE INDEX journal_of_event ON journal (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX journal_of_drift ON journal (drift_id) WHERE drift_id IS NOT NULL;

CREATE TRIGGER journal_is_only_added_to BEFORE UPDATE ON journal BEGIN
    SELECT raise(ABORT, 'the journal is only added to');
END;

-- Per host and service: what is declared and not there, what is there and not declared, as JSON lists of
-- names, ports, and fields with their values.
CREATE VIEW drift_summary AS
WITH open AS (
    SELECT id, substr(subject, 6) AS hostname, service, event_type, severity, handle,
        coalesce(service, substr(subject, 6)) AS thing, entry -> '$.difference' AS difference,
        coalesce(entry ->> '$.id.field', 'value') AS field
    FROM drifts WHERE state = 'open' AND subject GLOB 'host:*'
), parts AS (
    SELECT id, 'expected' AS side, thing AS item FROM open WHERE event_type IN ('SERVICE_MISSING', 'VM_DOWN')
    UNION ALL
    SELECT id, 'observed', thing FROM open WHERE event_type IN ('SERVICE_UNEXPECTED', 'VM_UNDECLARED')
    UNION ALL
    SELECT o.id, 'expected', e.value FROM open o, json_each(o.difference, '$.expected') e
    WHERE o.event_type = 'PORT_MISMATCH'
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.observed.open'))
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.observed.loopback'))
    UNION ALL
    SELECT o.id, 'observed', e.value FROM open o, json_each(o.difference, '$.observed.open') e
    WHERE o.event_type = 'PORT_MISMATCH'
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.expected'))
    UNION ALL
    SELECT id, 'expected', field || ' ' || (difference ->> '$.expected') FROM open
    WHERE event_type = 'CONFIG_DRIFT' AND difference ->> '$.expected' IS NOT NULL
    UNION ALL
    SELECT id, 'observed', field || ' ' || (difference ->> '$.observed') FROM open
    WHERE event_type = 'CONFIG_DRIFT' AND difference ->> '$.observed' IS NOT NULL
)
SELECT o.hostname, o.service,
    json_group_array(p.item) FILTER (WHERE p.side = 'expected') AS expected_minus_observed,
    json_group_array(p.item) FILTER (WHERE p.side = 'observed') AS observed_minus_expected,
    max((SELECT max(e.created_at) FROM event_log e WHERE e.handle = o.handle)) AS last_event_at,
    CASE max(CASE o.severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END)
        WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium' WHEN 1 THEN 'low' ELSE 'info' END AS importance
FROM open o LEFT JOIN parts p ON p.id = o.id
GROUP BY o.hostname, o.service;

CREATE VIEW truenas_state_latest AS
SELECT o.hostname, o.source_id, o.snapshot, o.observed_at, h.last_seen
FROM observed_heads h JOIN observed_snapshots o ON o.id = h.snapshot_id
WHERE o.source = 'truenas';
