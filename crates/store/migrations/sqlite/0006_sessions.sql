-- Who is logged in. Of what their browser must show there is only the hash; `credential` is what their password was held
-- against then, hashed once more: another one ends the session.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    ends_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_name ON sessions (name, created_at);
CREATE INDEX sessions_by_end ON sessions (ends_at);
