-- The ledger. Why these columns, this key, these indexes and this partition span:
-- docs/decisions/0001-columns.md, 0002-sorting-key-and-indexes.md, 0003-partitions-and-retention.md.
CREATE TABLE IF NOT EXISTS audit_events
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
    ingested_at      DateTime64(3, 'UTC') DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED')) CODEC(ZSTD(1)),
    -- Read at insert, never stored: a worker that slept through its Kafka session cannot write.
    lease            UInt32 EPHEMERAL 4294967295,

    INDEX stored_offsets kafka_offset TYPE minmax GRANULARITY 1,
    INDEX emitted_at UUIDv7ToDateTime(event_id) TYPE minmax GRANULARITY 1,
    INDEX correlation correlation_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX actors actor_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX targets target_id TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION stored_up_to (SELECT kafka_topic_id, kafka_partition, max(kafka_offset), count() GROUP BY kafka_topic_id, kafka_partition),

    CONSTRAINT wire_version_is_1 CHECK wire_version = 1,
    CONSTRAINT event_id_is_set CHECK event_id != toUUID('00000000-0000-0000-0000-000000000000'),
    CONSTRAINT event_type_is_set CHECK event_type != '',
    CONSTRAINT category_is_set CHECK category != '',
    CONSTRAINT tenant_id_is_set CHECK tenant_id != '',
    CONSTRAINT actor_type_is_set CHECK actor_type != '',
    CONSTRAINT actor_id_is_set CHECK actor_id != '',
    CONSTRAINT service_is_set CHECK service != '',
    CONSTRAINT kafka_topic_id_is_set CHECK kafka_topic_id != toUUID('00000000-0000-0000-0000-000000000000'),
    CONSTRAINT weight_is_at_least_1 CHECK weight >= 1 AND isFinite(weight),
    CONSTRAINT occurred_at_is_plausible CHECK occurred_at >= toDateTime64('1970-01-02 00:00:00', 6, 'UTC') AND occurred_at <= now64(6) + toIntervalDay(1),
    CONSTRAINT protected_trail_is_kept CHECK category NOT IN ('security', 'authorization', 'ledger') OR retention_class IN ('protected', 'archive'),
    CONSTRAINT retention_class_is_known CHECK retention_class IN ('standard', 'protected', 'archive'),
    CONSTRAINT not_expired CHECK occurred_at + toIntervalDay(transform(retention_class, ['standard', 'protected', 'archive'], [90, 400, 3650], 90)) > now64(6)
)
ENGINE = MergeTree
PARTITION BY (retention_class, toStartOfMonth(occurred_at))
ORDER BY (tenant_id, occurred_at)
TTL occurred_at + toIntervalDay(transform(retention_class, ['standard', 'protected', 'archive'], [90, 400, 3650], 90))
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_with_ttl_timeout = 3600, merge_selector_base = 10, non_replicated_deduplication_window = 10000, deduplicate_merge_projection_mode = 'rebuild', lightweight_mutation_projection_mode = 'rebuild';

-- Messages that could not become rows of the ledger, as they were.
CREATE TABLE IF NOT EXISTS audit_quarantine
(
    kafka_topic      LowCardinality(String),
    kafka_topic_id   UUID,
    kafka_partition  UInt32,
    kafka_offset     UInt64,
    kafka_timestamp  DateTime64(3, 'UTC'),
    reason           LowCardinality(String),
    error            String CODEC(ZSTD(1)),
    message          String CODEC(ZSTD(3)),
    message_key      String CODEC(ZSTD(1)),
    headers          Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    quarantined_at   DateTime64(3, 'UTC') DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED')),
    lease            UInt32 EPHEMERAL 4294967295,

    CONSTRAINT reason_is_set CHECK reason != '',
    CONSTRAINT kafka_topic_id_is_set CHECK kafka_topic_id != toUUID('00000000-0000-0000-0000-000000000000')
)
ENGINE = MergeTree
PARTITION BY toStartOfMonth(quarantined_at)
ORDER BY (kafka_topic_id, kafka_partition, kafka_offset)
TTL quarantined_at + toIntervalDay(400)
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_with_ttl_timeout = 3600, non_replicated_deduplication_window = 10000;
