-- What the leader shows, for whoever only reads: one row.
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
