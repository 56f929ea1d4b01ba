-- Since when a dead delivery that was sent again is tried; how long is counted from there.
ALTER TABLE evenkeel_deliveries ADD COLUMN resent_at timestamptz;
-- What a sink was told of a drift is asked by the drift.
CREATE INDEX evenkeel_deliveries_of_drift ON evenkeel_deliveries (drift_key, id);
