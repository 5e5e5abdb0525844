-- What became of quarantined messages: rows are only ever added, the messages stay where they are.
-- Why a repeated replay stores nothing twice: docs/decisions/0013-quarantine.md.
CREATE TABLE IF NOT EXISTS audit_quarantine_resolutions
(
    -- The quarantined message, by its position.
    kafka_topic         LowCardinality(String),
    kafka_topic_id      UUID,
    kafka_partition     UInt32,
    kafka_offset        UInt64,
    state               Enum8('replayed' = 1, 'discarded' = 2),
    -- One command's work; the ledger's events about it bear the same id.
    run_id              UUID,
    resolved_by         String CODEC(ZSTD(1)),
    reason              String CODEC(ZSTD(1)),
    -- Of what was sent, and where Kafka put it; nil and -1 for what was discarded.
    event_id            UUID,
    replayed_topic      LowCardinality(String),
    replayed_partition  Int32 DEFAULT -1,
    replayed_offset     Int64 DEFAULT -1,
    -- SHA-256 of the transform file in hex; empty for a message sent as it was.
    transform           LowCardinality(String),
    resolved_at         DateTime64(3, 'UTC') DEFAULT now64(3),

    CONSTRAINT kafka_topic_id_is_set CHECK kafka_topic_id != toUUID('00000000-0000-0000-0000-000000000000'),
    CONSTRAINT resolved_by_is_set CHECK resolved_by != '',
    CONSTRAINT discard_has_a_reason CHECK state != 'discarded' OR reason != ''
)
ENGINE = MergeTree
PARTITION BY toStartOfMonth(resolved_at)
ORDER BY (kafka_topic_id, kafka_partition, kafka_offset)
-- Outlives the message, which lasts 400 days and up to a month more: it must not look open again.
TTL resolved_at + toIntervalDay(500)
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_with_ttl_timeout = 3600, non_replicated_deduplication_window = 10000;
