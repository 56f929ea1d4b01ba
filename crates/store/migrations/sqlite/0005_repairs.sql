-- Repairs. `proposal` is the proposal as it is read back; the columns are for asking. AUTOINCREMENT: a page begins behind
-- a number, so none is given out again when retention takes the newest row.
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    drift_key TEXT NOT NULL,
    subject TEXT NOT NULL,
    host TEXT,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    phase TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    dispatched_at TEXT,
    proposal TEXT NOT NULL
) STRICT;
CREATE INDEX proposals_of_drift ON proposals (drift_key);
CREATE INDEX proposals_of_subject ON proposals (subject, id);
CREATE INDEX proposals_under_way ON proposals (phase) WHERE phase <> 'over';
CREATE INDEX proposals_dispatched ON proposals (dispatched_at) WHERE dispatched_at IS NOT NULL;

-- What persons and the brake decided: one row.
CREATE TABLE repair_controls (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    controls TEXT NOT NULL
) STRICT;

-- Who may answer for a proposal. Of what its caller must know there is only the hash.
CREATE TABLE callbacks (
    token_hash TEXT PRIMARY KEY,
    proposal TEXT NOT NULL REFERENCES proposals (key) ON DELETE CASCADE,
    expires_at TEXT NOT NULL,
    used_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX callbacks_of_proposal ON callbacks (proposal);
CREATE INDEX callbacks_by_end ON callbacks (expires_at);

-- Announced lines of the journal on their way to the sinks. `body` is what every sink gets, at every attempt the same
-- bytes.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notice_id TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX notices_by_time ON notices (created_at);

-- A delivery is of an event or of a notice. Of a notice, `event_seq` is 0, which is no event's: a column that must not be
-- null cannot become one that may be without writing the whole table anew.
ALTER TABLE deliveries ADD COLUMN notice_seq INTEGER;
CREATE INDEX deliveries_of_notice ON deliveries (notice_seq) WHERE notice_seq IS NOT NULL;

CREATE TRIGGER a_notice_stays_while_a_delivery_needs_it BEFORE DELETE ON notices
WHEN EXISTS (SELECT 1 FROM deliveries WHERE notice_seq = old.id) BEGIN
    SELECT raise(ABORT, 'a delivery needs this notice');
END;
CREATE TRIGGER a_notice_is_never_changed BEFORE UPDATE ON notices BEGIN
    SELECT raise(ABORT, 'notices are only added');
END;
