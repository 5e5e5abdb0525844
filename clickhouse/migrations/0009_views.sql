-- Views for those who ask in SQL. They show what searches show: nothing whose days are over, held events
-- once. Why the days stand in the first of them: docs/decisions/0020-views.md.

-- Each event that the ledger answers for, once. Made anew with other days whenever retention changes.
CREATE OR REPLACE VIEW audit_kept AS
SELECT wire_version, event_id, event_type, event_version, category, operation, outcome, severity, occurred_at, tenant_id, actor_type, actor_id, actor_name, target_type, target_id, target_name, related, source_ip, service, producer_id, producer_seq, trace_id, correlation_id, reason, message, error_code, error_message, changes, data, execution, retention_class, policy_level, policy_rule, weight, attributes, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, ingested_at
FROM audit_events
WHERE occurred_at + toIntervalDay(transform(retention_class, ['standard', 'protected', 'archive'], [90, 400, 3650], 90)) > now64(6)
UNION ALL
SELECT wire_version, event_id, event_type, event_version, category, operation, outcome, severity, occurred_at, tenant_id, actor_type, actor_id, actor_name, target_type, target_id, target_name, related, source_ip, service, producer_id, producer_seq, trace_id, correlation_id, reason, message, error_code, error_message, changes, data, execution, retention_class, policy_level, policy_rule, weight, attributes, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, ingested_at
FROM audit_held FINAL
WHERE NOT (occurred_at + toIntervalDay(transform(retention_class, ['standard', 'protected', 'archive'], [90, 400, 3650], 90)) > now64(6))
  AND (kafka_topic_id, kafka_partition, kafka_offset) GLOBAL IN (
    SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events
    WHERE hold_id IN (SELECT hold_id FROM audit_holds GROUP BY hold_id HAVING countIf(action = 'released') = 0)
  );

-- Counts by day (UTC), sampling undone: `events` estimates what happened, give or take twice `standard_error`
-- in 19 of 20 cases. Sampling keeps or leaves all events of one request together, which the error accounts for.
CREATE OR REPLACE VIEW audit_counts AS
SELECT
    tenant_id, day, service, category, event_type, operation, outcome,
    sum(rows) AS stored, sum(weights) AS events, sqrt(sum(variance)) AS standard_error
FROM
(
    SELECT
        tenant_id, toDate(occurred_at) AS day, service, category, event_type, operation, outcome,
        count() AS rows, sum(weight) AS weights, pow(sum(sqrt(weight * (weight - 1))), 2) AS variance
    FROM audit_kept
    GROUP BY
        tenant_id, day, service, category, event_type, operation, outcome,
        multiIf(weight = 1, '', correlation_id != '', correlation_id,
            trace_id != toUUID('00000000-0000-0000-0000-000000000000'), toString(trace_id), toString(event_id))
)
GROUP BY tenant_id, day, service, category, event_type, operation, outcome;

-- One row for each changed field, with what it was and what it became, as JSON text.
CREATE OR REPLACE VIEW audit_changes AS
SELECT
    tenant_id, occurred_at, event_id, event_type, category, operation, outcome, actor_type, actor_id, actor_name,
    target_type, target_id, target_name, change.op AS op, change.path AS path, change.old AS old, change.new AS new,
    reason, source_ip, correlation_id, weight
FROM audit_kept
ARRAY JOIN changes AS change;

-- What an actor did without a pause of more than 30 minutes.
CREATE OR REPLACE VIEW audit_sessions AS
SELECT
    tenant_id, actor_type, actor_id, any(actor_name) AS actor_name, min(occurred_at) AS started_at, max(occurred_at) AS ended_at,
    dateDiff('second', started_at, ended_at) AS seconds, count() AS stored, sum(weight) AS events,
    countIf(outcome = 'failure') AS failures, countIf(outcome = 'denied') AS denials,
    groupUniqArray(100)(event_type) AS event_types, groupUniqArray(100)(source_ip) AS addresses, groupUniqArray(100)(service) AS services
FROM
(
    SELECT
        tenant_id, actor_type, actor_id, actor_name, occurred_at, weight, outcome, event_type, source_ip, service,
        sum(begins) OVER (PARTITION BY tenant_id, actor_type, actor_id ORDER BY occurred_at ASC, event_id ASC) AS session
    FROM
    (
        SELECT
            tenant_id, actor_type, actor_id, actor_name, occurred_at, event_id, weight, outcome, event_type, source_ip, service,
            occurred_at > lagInFrame(occurred_at, 1, toDateTime64('1900-01-01 00:00:00', 6, 'UTC'))
                OVER (PARTITION BY tenant_id, actor_type, actor_id ORDER BY occurred_at ASC, event_id ASC) + toIntervalMinute(30) AS begins
        FROM audit_kept
    )
)
GROUP BY tenant_id, actor_type, actor_id, session;

-- What failed or was denied. Neither is ever sampled.
CREATE OR REPLACE VIEW audit_refusals AS
SELECT
    tenant_id, occurred_at, event_id, event_type, category, operation, outcome, severity, actor_type, actor_id, actor_name,
    target_type, target_id, target_name, service, source_ip, error_code, error_message, reason, correlation_id
FROM audit_kept
WHERE outcome IN ('failure', 'denied');

-- When an actor first did such a thing, from such an address, on such a target's type, in such a service.
CREATE OR REPLACE VIEW audit_first_seen AS
SELECT
    tenant_id, actor_type, actor_id, any(actor_name) AS actor_name, combination.1 AS kind, combination.2 AS value,
    min(occurred_at) AS first_seen, max(occurred_at) AS last_seen, argMin(event_id, occurred_at) AS first_event_id, sum(weight) AS events
FROM audit_kept
ARRAY JOIN arrayFilter(pair -> pair.2 NOT IN ('', '::'), [
    ('event_type', toString(event_type)), ('address', toString(source_ip)), ('target_type', toString(target_type)), ('service', toString(service))
]) AS combination
GROUP BY tenant_id, actor_type, actor_id, kind, value;
