-- Hourly and daily aggregates of what happened, sampling undone. They live inside the parts of the ledger
-- itself, as a projection: docs/decisions/0019-aggregates.md says why not as a table of their own.
ALTER TABLE audit_events ADD PROJECTION IF NOT EXISTS hourly_activity
(
    SELECT tenant_id, toStartOfHour(occurred_at), service, actor_type, actor_id, category, event_type, operation, outcome, count(), sum(weight)
    GROUP BY tenant_id, toStartOfHour(occurred_at), service, actor_type, actor_id, category, event_type, operation, outcome
);

-- What was stored (`stored`), and an estimate of what happened (`events`), by hour.
CREATE OR REPLACE VIEW audit_hourly AS
SELECT
    tenant_id, toStartOfHour(occurred_at) AS hour, service, actor_type, actor_id, category, event_type, operation, outcome,
    count() AS stored, sum(weight) AS events
FROM audit_events
GROUP BY tenant_id, hour, service, actor_type, actor_id, category, event_type, operation, outcome;

-- The same by day, in UTC.
CREATE OR REPLACE VIEW audit_daily AS
SELECT
    tenant_id, toStartOfDay(toStartOfHour(occurred_at)) AS day, service, actor_type, actor_id, category, event_type, operation, outcome,
    count() AS stored, sum(weight) AS events
FROM audit_events
GROUP BY tenant_id, day, service, actor_type, actor_id, category, event_type, operation, outcome;
