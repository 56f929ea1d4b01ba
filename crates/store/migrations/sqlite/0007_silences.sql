-- Silences made at run time. `silence` is the silence as it is read back; the columns are for asking. `over_at` is when
-- it ends, or was ended. AUTOINCREMENT: a page begins behind a number, so none is given out again.
CREATE TABLE silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    drift_key TEXT,
    owner TEXT NOT NULL,
    made_at TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    over_at TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    silence TEXT NOT NULL
) STRICT;
CREATE INDEX silences_by_end ON silences (over_at);
CREATE INDEX silences_of_drift ON silences (drift_key) WHERE drift_key IS NOT NULL;
