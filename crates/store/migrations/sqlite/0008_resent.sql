-- Since when a dead delivery that was sent again is tried; how long is counted from there.
ALTER TABLE deliveries ADD COLUMN resent_at TEXT;
-- What a sink was told of a drift is asked by the drift.
CREATE INDEX deliveries_of_drift ON deliveries (drift_key);
