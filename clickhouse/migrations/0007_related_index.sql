-- A target's history has the events of its children, which name it among their related parties.
-- Why this index, and what it costs: docs/decisions/0018-rebuilding-records.md.
ALTER TABLE audit_events ADD INDEX IF NOT EXISTS related_ids related.id TYPE bloom_filter(0.01) GRANULARITY 1;
-- In the background, for the parts that there are: what is not done yet is read as before.
ALTER TABLE audit_events MATERIALIZE INDEX IF EXISTS related_ids;
