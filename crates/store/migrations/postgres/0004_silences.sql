-- Silences made at run time. `silence` is the silence as it is read back; it is text because jsonb would refuse what a
-- hostile name may hold. The columns are for asking; `over_at` is when it ends, or was ended.
CREATE TABLE evenkeel_silences (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    drift_key text,
    owner text NOT NULL,
    made_at timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    over_at timestamptz NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    silence text NOT NULL
);
CREATE INDEX evenkeel_silences_by_end ON evenkeel_silences (over_at);
CREATE INDEX evenkeel_silences_of_drift ON evenkeel_silences (drift_key) WHERE drift_key IS NOT NULL;

-- Closed, as everything that we make.
DO $closed$
DECLARE
    ours text[] := ARRAY['evenkeel_silences'];
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
