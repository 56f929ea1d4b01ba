-- The summary asks for a drift's last event with one step in the index, not for the greatest moment of all its events.
DROP VIEW drift_summary;

-- Per host and service: what is declared and not there, what is there and not declared, as JSON lists of
-- names, ports, and fields with their values.
CREATE VIEW drift_summary AS
WITH open AS (
    SELECT id, substr(subject, 6) AS hostname, service, event_type, severity, handle,
        coalesce(service, substr(subject, 6)) AS thing, entry -> '$.difference' AS difference,
        coalesce(entry ->> '$.id.field', 'value') AS field,
        (SELECT e.created_at FROM event_log e WHERE e.handle = drifts.handle ORDER BY e.id DESC LIMIT 1) AS last_event_at
    FROM drifts WHERE state = 'open' AND subject GLOB 'host:*'
), parts AS (
    SELECT id, 'expected' AS side, thing AS item FROM open WHERE event_type IN ('SERVICE_MISSING', 'VM_DOWN')
    UNION ALL
    SELECT id, 'observed', thing FROM open WHERE event_type IN ('SERVICE_UNEXPECTED', 'VM_UNDECLARED')
    UNION ALL
    SELECT o.id, 'expected', e.value FROM open o, json_each(o.difference, '$.expected') e
    WHERE o.event_type = 'PORT_MISMATCH'
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.observed.open'))
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.observed.loopback'))
    UNION ALL
    SELECT o.id, 'observed', e.value FROM open o, json_each(o.difference, '$.observed.open') e
    WHERE o.event_type = 'PORT_MISMATCH'
        AND e.value NOT IN (SELECT value FROM json_each(o.difference, '$.expected'))
    UNION ALL
    SELECT id, 'expected', field || ' ' || (difference ->> '$.expected') FROM open
    WHERE event_type = 'CONFIG_DRIFT' AND difference ->> '$.expected' IS NOT NULL
    UNION ALL
    SELECT id, 'observed', field || ' ' || (difference ->> '$.observed') FROM open
    WHERE event_type = 'CONFIG_DRIFT' AND difference ->> '$.observed' IS NOT NULL
)
SELECT o.hostname, o.service,
    json_group_array(p.item) FILTER (WHERE p.side = 'expected') AS expected_minus_observed,
    json_group_array(p.item) FILTER (WHERE p.side = 'observed') AS observed_minus_expected,
    max(o.last_event_at) AS last_event_at,
    CASE max(CASE o.severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END)
        WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium' WHEN 1 THEN 'low' ELSE 'info' END AS importance
FROM open o LEFT JOIN parts p ON p.id = o.id
GROUP BY o.hostname, o.service;
