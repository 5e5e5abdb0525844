-- Holds, sweeps and erasures decide what is kept, and take turns: each turn is given once, because the
-- claims to it bear one deduplication token (docs/holds.md, "One at a time"). Rows are only ever added.
CREATE TABLE IF NOT EXISTS audit_turns
(
    turn    UInt64,
    holder  UUID,
    work    Enum8('hold' = 1, 'sync' = 2, 'sweep' = 3, 'erasure' = 4),
    at      DateTime64(3, 'UTC') DEFAULT now64(3),
    -- When it is over even if nobody ends it; renewed while the work goes on.
    until   DateTime64(3, 'UTC'),
    ended   Bool
)
ENGINE = MergeTree
ORDER BY (turn, at)
SETTINGS non_replicated_deduplication_window = 1000;
