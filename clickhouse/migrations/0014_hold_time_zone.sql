-- The time zone of the dates in a hold's query that name none.
ALTER TABLE audit_holds ADD COLUMN IF NOT EXISTS time_zone String DEFAULT 'UTC';
