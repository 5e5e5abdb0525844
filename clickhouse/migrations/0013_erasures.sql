-- Erasures that have begun, so that one that was killed half-way is not forgotten (docs/erasure.md). A row for each
-- run, written before its first change; a run that completes an earlier one bears the same id.
CREATE TABLE IF NOT EXISTS audit_erasures
(
    erasure_id   UUID,
    -- The run's turn, of audit_turns.
    turn         UInt64,
    began_at     DateTime64(3, 'UTC'),
    -- 1970 until it has ended: everything is replaced, and nothing is found any more.
    ended_at     DateTime64(3, 'UTC') DEFAULT toDateTime64(0, 3, 'UTC'),
    actor        String,
    reason       String,
    -- None: every tenant's.
    tenants      Array(String),
    -- Salted, slow hashes by which the same identifiers are known again; gone once it has ended.
    fingerprints Array(String)
)
ENGINE = MergeTree
ORDER BY (erasure_id, turn)
SETTINGS non_replicated_deduplication_window = 1000;
