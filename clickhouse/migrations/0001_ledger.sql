-- The ledger. Why these columns, this key, these indexes and this partition span:
-- docs/decisions/0001-columns.md, 0002-sorting-key-and-indexes.md, 0003-partitions-and-retention.md.
CREATE TABLE IF NOT EXISTS audit_events
(
    wire_version     UInt8 DEFAULT 1,
    event_id         UUID,
    event_type       LowCardinality(String),
    event_version    UInt16 DEFAULT 1,
    category         LowCardinality(String),
    operation        Enum8('unknown' = 0, 'create' = 1, 'read' = 2, 'update' = 3, 'delete' = 4, 'execute' = 5, 'export' = 6) DEFAULT 'unknown',
    outcome          Enum8('unknown' = 0, 'success' = 1, 'failure' = 2, 'denied' = 3) DEFAULT 'unknown',
    severity         Enum8('informational' = 1, 'low' = 2, 'medium' = 3, 'high' = 4, 'critical' = 5) DEFAULT 'informational',
    occurred_at      DateTime64(6, 'UTC'),
    tenant_id        LowCardinality(String) DEFAULT 'default',
    actor_type       LowCardinality(String),
    actor_id         String,
    actor_name       String,
    target_type      LowCardinality(String),
    target_id        String,
    target_name      String,
    related          Array(Tuple(role LowCardinality(String), type LowCardinality(String), id String, name String)),
    source_ip        IPv6,
    service          LowCardinality(String),
    producer_id      UUID,
    producer_seq     UInt64,
    trace_id         UUID,
    correlation_id   String,
    reason           String,
    message          String,
    error_code       LowCardinality(String),
    error_message    String,
    changes          Array(Tuple(op LowCardinality(String), path LowCardinality(String), old String, new String)),
    data             String,
    execution        String,
    retention_class  LowCardinality(String) DEFAULT 'standard',
    policy_level     LowCardinality(String),
    policy_rule      LowCardinality(String),
    weight           Float64 DEFAULT 1,
    attributes       Map(LowCardinality(String), String),
    kafka_topic      LowCardinality(String),
    kafka_topic_id   UUID,
    kafka_partition  Int32,
    kafka_offset     Int64,
    kafka_timestamp  DateTime64(3, 'UTC'),
    -- Read at insert, never stored: a worker that slept through its Kafka session cannot write.
    lease            UInt32 EPHEMERAL 4294967295,
    ingested_at      DateTime64(3, 'UTC') DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED'))
)
ENGINE = MergeTree
PARTITION BY (retention_class, toStartOfMonth(occurred_at))
ORDER BY (tenant_id, occurred_at)
TTL occurred_at + toIntervalDay(transform(retention_class, ['standard', 'protected', 'archive'], [90, 400, 3650], 90))
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- Messages that could not become rows of the ledger, as they were.
CREATE TABLE IF NOT EXISTS audit_quarantine
(
    kafka_topic      LowCardinality(String),
    kafka_topic_id   UUID,
    kafka_partition  Int32,
    kafka_offset     Int64,
    kafka_timestamp  DateTime64(3, 'UTC'),
    reason           LowCardinality(String),
    error            String,
    message          String CODEC(ZSTD(3)),
    message_key      String,
    headers          Map(LowCardinality(String), String),
    lease            UInt32 EPHEMERAL 4294967295,
    quarantined_at   DateTime64(3, 'UTC') DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED'))
)
ENGINE = MergeTree
PARTITION BY toStartOfMonth(quarantined_at)
ORDER BY (kafka_topic_id, kafka_partition, kafka_offset)
TTL quarantined_at + toIntervalDay(400)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
