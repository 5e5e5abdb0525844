-- Legal holds: events that must outlive their retention class are copied to where no TTL reaches them.
-- Why copies, and how each event is still seen once: docs/holds.md.

-- What was held and let go, by whom and why. Rows are only ever added.
CREATE TABLE IF NOT EXISTS audit_holds
(
    hold_id  UUID,
    action   Enum8('placed' = 1, 'synced' = 2, 'released' = 3),
    at       DateTime64(3, 'UTC') DEFAULT now64(3),
    name     String,
    owner    String,
    reason   String,
    actor    String,
    query    String,
    -- None: every tenant's.
    tenants  Array(String),
    -- Events that this action copied, or let go.
    events   UInt64
)
ENGINE = MergeTree
ORDER BY (hold_id, at)
SETTINGS non_replicated_deduplication_window = 1000;

-- Which event is held by which hold.
CREATE TABLE IF NOT EXISTS audit_hold_events
(
    hold_id         UUID,
    kafka_topic_id  UUID,
    kafka_partition UInt32,
    kafka_offset    UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (hold_id, kafka_topic_id, kafka_partition, kafka_offset);

-- The events themselves, once each however many holds they are under.
CREATE TABLE IF NOT EXISTS audit_held
(
    wire_version     UInt8 CODEC(ZSTD(1)),
    event_id         UUID CODEC(ZSTD(1)),
    event_type       LowCardinality(String) CODEC(ZSTD(1)),
    event_version    UInt16 DEFAULT 1 CODEC(ZSTD(1)),
    category         LowCardinality(String) CODEC(ZSTD(1)),
    operation        Enum8('unknown' = 0, 'create' = 1, 'read' = 2, 'update' = 3, 'delete' = 4, 'execute' = 5, 'export' = 6) DEFAULT 'unknown' CODEC(ZSTD(1)),
    outcome          Enum8('unknown' = 0, 'success' = 1, 'failure' = 2, 'denied' = 3) DEFAULT 'unknown' CODEC(ZSTD(1)),
    severity         Enum8('informational' = 1, 'low' = 2, 'medium' = 3, 'high' = 4, 'critical' = 5) DEFAULT 'informational' CODEC(ZSTD(1)),
    occurred_at      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    tenant_id        LowCardinality(String) DEFAULT 'default' CODEC(ZSTD(1)),
    actor_type       LowCardinality(String) CODEC(ZSTD(1)),
    actor_id         LowCardinality(String) CODEC(ZSTD(1)),
    actor_name       LowCardinality(String) CODEC(ZSTD(1)),
    target_type      LowCardinality(String) CODEC(ZSTD(1)),
    target_id        LowCardinality(String) CODEC(ZSTD(1)),
    target_name      LowCardinality(String) CODEC(ZSTD(1)),
    related          Array(Tuple(role LowCardinality(String), type LowCardinality(String), id String, name String)) CODEC(ZSTD(1)),
    source_ip        IPv6 CODEC(ZSTD(1)),
    service          LowCardinality(String) CODEC(ZSTD(1)),
    producer_id      UUID CODEC(ZSTD(1)),
    producer_seq     UInt64 CODEC(Delta, ZSTD(1)),
    trace_id         UUID CODEC(ZSTD(1)),
    correlation_id   String CODEC(ZSTD(1)),
    reason           String CODEC(ZSTD(1)),
    message          String CODEC(ZSTD(1)),
    error_code       LowCardinality(String) CODEC(ZSTD(1)),
    error_message    String CODEC(ZSTD(1)),
    changes          Array(Tuple(op Enum8('add' = 1, 'remove' = 2, 'replace' = 3, 'move' = 4, 'copy' = 5, 'test' = 6), path LowCardinality(String), old String, new String)) CODEC(ZSTD(1)),
    data             String CODEC(ZSTD(1)),
    execution        String CODEC(ZSTD(1)),
    retention_class  LowCardinality(String) DEFAULT 'standard' CODEC(ZSTD(1)),
    policy_level     LowCardinality(String) CODEC(ZSTD(1)),
    policy_rule      LowCardinality(String) CODEC(ZSTD(1)),
    weight           Float64 DEFAULT 1 CODEC(ZSTD(1)),
    attributes       Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    kafka_topic      LowCardinality(String) CODEC(ZSTD(1)),
    kafka_topic_id   UUID CODEC(ZSTD(1)),
    kafka_partition  UInt32 CODEC(T64, ZSTD(1)),
    kafka_offset     UInt64 CODEC(Delta, ZSTD(1)),
    kafka_timestamp  DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    ingested_at      DateTime64(3, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant_id, occurred_at, kafka_topic_id, kafka_partition, kafka_offset);
