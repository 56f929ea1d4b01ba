-- By a drift's handle a person asks for what was done about it. Filled by whoever notes; a row without a drift has none.
ALTER TABLE journal ADD COLUMN handle TEXT;
CREATE INDEX journal_of_handle ON journal (handle, id) WHERE handle IS NOT NULL;

-- Up to which row of the journal retention has taken, or may take, rows: it raises this first. One row; it never falls.
CREATE TABLE journal_horizon (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    upto INTEGER NOT NULL
) STRICT;
INSERT INTO journal_horizon (id, upto) VALUES (1, 0);

CREATE TRIGGER the_journal_horizon_never_falls BEFORE UPDATE ON journal_horizon
WHEN new.upto < old.upto OR new.id <> old.id BEGIN
    SELECT raise(ABORT, 'the horizon of the journal never falls');
END;
CREATE TRIGGER the_journal_horizon_stays BEFORE DELETE ON journal_horizon BEGIN
    SELECT raise(ABORT, 'the horizon of the journal stays');
END;
-- INSERT OR REPLACE deletes what is in its way without asking a trigger on deletions.
CREATE TRIGGER the_journal_horizon_is_one BEFORE INSERT ON journal_horizon BEGIN
    SELECT raise(ABORT, 'the journal has one horizon');
END;
CREATE TRIGGER journal_rows_are_not_replaced BEFORE INSERT ON journal
WHEN EXISTS (SELECT 1 FROM journal WHERE id = new.id) BEGIN
    SELECT raise(ABORT, 'the journal is only added to');
END;
CREATE TRIGGER journal_rows_go_only_through_retention BEFORE DELETE ON journal
WHEN old.id > (SELECT upto FROM journal_horizon) BEGIN
    SELECT raise(ABORT, 'journal rows go only through retention');
END;
