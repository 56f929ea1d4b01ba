-- Who is logged in. Of what their browser must show there is only the hash; `credential` is what their password was held
-- against then, hashed once more: another one ends the session. Every replica writes here, whoever leads.
CREATE TABLE evenkeel_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    name text NOT NULL,
    credential text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX evenkeel_sessions_of_name ON evenkeel_sessions (name, created_at);
CREATE INDEX evenkeel_sessions_by_end ON evenkeel_sessions (ends_at);

-- Closed, as everything that we make.
DO $closed$
DECLARE
    ours text[] := ARRAY['evenkeel_sessions'];
    roles text;
    name text;
BEGIN
    SELECT concat_ws(', ', 'PUBLIC', string_agg(quote_ident(rolname), ', ')) INTO roles
    FROM pg_roles WHERE rolname IN ('anon', 'authenticated');
    FOREACH name IN ARRAY ours LOOP
        EXECUTE format('REVOKE ALL ON TABLE %I FROM %s', name, roles);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    END LOOP;
    -- The sequences behind their numbers.
    FOR name IN
        SELECT s.relname
        FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
        JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE s.relkind = 'S' AND n.nspname = current_schema() AND t.relname = ANY (ours)
    LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE %I FROM %s', name, roles);
    END LOOP;
END
$closed$;
