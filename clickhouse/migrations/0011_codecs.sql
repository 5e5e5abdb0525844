-- What is written without a codec of its own, the aggregates of the projections above all, and what changed, the largest
-- text of an event, take a byte and a half of an event less. What is stored takes them with its next merge.
-- docs/decisions/0002-sorting-key-and-indexes.md, "Codecs and types".
ALTER TABLE audit_events MODIFY SETTING default_compression_codec = 'ZSTD(1)';
ALTER TABLE audit_events MODIFY COLUMN changes CODEC(ZSTD(3));
