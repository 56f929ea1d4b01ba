-- Repairs: what is proposed, what persons and the brake decided, who may answer, what is told. All of it is ours alone.
-- `proposal` is the proposal as it is read back; it is text because jsonb would refuse what a hostile name may hold. The
-- columns are for asking.
CREATE TABLE evenkeel_proposals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- By bytes, whatever the database sorts by: a key is found by its beginning.
    key text COLLATE "C" NOT NULL UNIQUE,
    revision bigint NOT NULL,
    drift_key text NOT NULL,
    subject text NOT NULL,
    host text,
    action text NOT NULL,
    state text NOT NULL,
    phase text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    dispatched_at timestamptz,
    proposal text NOT NULL
);
CREATE INDEX evenkeel_proposals_of_drift ON evenkeel_proposals (drift_key, id);
CREATE INDEX evenkeel_proposals_of_subject ON evenkeel_proposals (subject, id);
CREATE INDEX evenkeel_proposals_under_way ON evenkeel_proposals (id) WHERE phase <> 'over';
CREATE INDEX evenkeel_proposals_dispatched ON evenkeel_proposals (dispatched_at) WHERE dispatched_at IS NOT NULL;

-- What persons and the brake decided: one row, at revision 0 and without a word while nobody ever did. Every step of
-- repairs locks it first, so that of two one waits for the other.
CREATE TABLE evenkeel_repair_controls (
    id integer PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL,
    updated_at timestamptz,
    controls text,
    CHECK ((revision = 0) = (controls IS NULL))
);
INSERT INTO evenkeel_repair_controls (id, revision) VALUES (1, 0);

-- Who may answer for a proposal. Of what its caller must know there is only the hash.
CREATE TABLE evenkeel_callbacks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    proposal text COLLATE "C" NOT NULL REFERENCES evenkeel_proposals (key) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX evenkeel_callbacks_of_proposal ON evenkeel_callbacks (proposal);
CREATE INDEX evenkeel_callbacks_by_end ON evenkeel_callbacks (expires_at);

-- Announced lines of the journal on their way to the sinks. `body` is what every sink gets, at every attempt the same
-- bytes.
CREATE TABLE evenkeel_notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id uuid NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    body text NOT NULL
);
CREATE INDEX evenkeel_notices_by_time ON evenkeel_notices (created_at);

-- A delivery is of an event or of a notice, and a notice stays while a delivery needs it.
ALTER TABLE evenkeel_deliveries ALTER COLUMN event_seq DROP NOT NULL,
    ADD COLUMN notice_seq bigint REFERENCES evenkeel_notices (id),
    ADD CONSTRAINT evenkeel_deliveries_of_one CHECK (num_nonnulls(event_seq, notice_seq) = 1);
CREATE INDEX evenkeel_deliveries_of_notice ON evenkeel_deliveries (notice_seq) WHERE notice_seq IS NOT NULL;

CREATE TRIGGER evenkeel_a_notice_is_never_changed BEFORE UPDATE ON evenkeel_notices
EXECUTE FUNCTION evenkeel_refuse('notices are only added');
CREATE TRIGGER evenkeel_the_controls_stay BEFORE DELETE OR TRUNCATE ON evenkeel_repair_controls
EXECUTE FUNCTION evenkeel_refuse('the controls of repairs stay');

-- Closed, as everything that we make.
DO $closed$
DECLARE
    ours text[] := ARRAY['evenkeel_proposals', 'evenkeel_repair_controls', 'evenkeel_callbacks', 'evenkeel_notices'];
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
