-- Ledgerline's transactional outbox, for PostgreSQL 14 and newer. Written for the schema "public";
-- `ledgerline outbox sql --schema` and `ledgerline outbox migrate` put another name in its place.

-- What services write, in the transaction of the change that an event is about.
-- `value` is text, not json: whatever is wrong with an event must not abort the change. The relay
-- judges it and sets it aside.
CREATE TABLE public.ledgerline_outbox (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id    uuid NOT NULL,
  message_key text NOT NULL,
  value       text NOT NULL,
  written_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- The order in which transactions committed, key by key. Narrow, since it is what is sorted and read first.
CREATE TABLE public.ledgerline_outbox_queue (
  position  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  outbox_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- What the relay could not publish, and why; `ledgerline outbox retry` puts it back.
CREATE TABLE public.ledgerline_outbox_rejected (
  id          bigint PRIMARY KEY,
  event_id    uuid NOT NULL,
  message_key text NOT NULL,
  value       text NOT NULL,
  written_at  timestamptz NOT NULL,
  reason      text NOT NULL,
  error       text NOT NULL,
  rejected_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row: what relays have published so far.
CREATE TABLE public.ledgerline_outbox_progress (
  singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  published         bigint NOT NULL DEFAULT 0,
  last_published_at timestamptz
) WITH (fillfactor = 50);
INSERT INTO public.ledgerline_outbox_progress DEFAULT VALUES;

-- An event's place in the order is taken when its transaction commits. Numbers drawn earlier, ids and
-- transaction ids alike, are not in the order of commits: who draws first may commit last. So a deferred
-- trigger draws the number, under a lock that is released after the commit has become visible
-- (src/backend/access/transam/xact.c, CommitTransaction: ProcArrayEndTransaction, then the locks).
-- Of two commits with events of one key, the second waits for the first; the numbers are then in the
-- order of commits, and whoever sees a number sees all smaller ones of its key.
--
-- Keys share 64 locks, so that a transaction with any number of keys holds 64 at most. A transaction
-- takes all its locks at once and in ascending order, so that no two can wait for each other: which
-- ones, is noted at each INSERT in a setting that lives as long as the transaction
-- ('0' no event, '1' has an event, '2' is locked). Reading the table for it would make serializable
-- transactions fail without need.
CREATE FUNCTION public.ledgerline_outbox_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  setting CONSTANT text := 'ledgerline.outbox_' || TG_RELID;
  slot    CONSTANT int := 1 + (hashtext(NEW.message_key) & 63);
  slots   text := coalesce(nullif(current_setting(setting, true), ''), repeat('0', 64));
BEGIN
  IF substr(slots, slot, 1) = '0' THEN
    PERFORM set_config(setting, overlay(slots PLACING '1' FROM slot FOR 1), true);
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION public.ledgerline_outbox_enqueue() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  setting CONSTANT text := 'ledgerline.outbox_' || TG_RELID;
  slot    CONSTANT int := 1 + (hashtext(NEW.message_key) & 63);
  slots   text := coalesce(nullif(current_setting(setting, true), ''), repeat('0', 64));
BEGIN
  IF substr(slots, slot, 1) <> '2' THEN
    slots := overlay(slots PLACING '1' FROM slot FOR 1);
    FOR each IN 1..64 LOOP
      IF substr(slots, each, 1) = '1' THEN
        PERFORM pg_advisory_xact_lock(TG_RELID::int, each);
      END IF;
    END LOOP;
    PERFORM set_config(setting, translate(slots, '1', '2'), true);
    -- The bell: a relay that has nothing to do holds it. Only then is it worth a NOTIFY, which makes
    -- all commits of the server that notify wait for each other.
    IF NOT pg_try_advisory_xact_lock_shared(TG_RELID::int, 0) THEN
      PERFORM pg_notify('ledgerline_outbox_' || TG_RELID, '');
    END IF;
  END IF;
  INSERT INTO public.ledgerline_outbox_queue (outbox_id) VALUES (NEW.id);
  RETURN NULL;
END $$;

CREATE TRIGGER ledgerline_outbox_note BEFORE INSERT ON public.ledgerline_outbox
  FOR EACH ROW EXECUTE FUNCTION public.ledgerline_outbox_note();
CREATE CONSTRAINT TRIGGER ledgerline_outbox_enqueue AFTER INSERT ON public.ledgerline_outbox
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.ledgerline_outbox_enqueue();
-- Also in sessions that switch triggers off for a bulk load.
ALTER TABLE public.ledgerline_outbox ENABLE ALWAYS TRIGGER ledgerline_outbox_note;
ALTER TABLE public.ledgerline_outbox ENABLE ALWAYS TRIGGER ledgerline_outbox_enqueue;

-- For SQL without the SDK: writes a wire row (docs/event.md), and fills in wire_version, event_id and
-- occurred_at where it has none. Answers the event's id.
CREATE FUNCTION public.ledgerline_outbox_add(event jsonb) RETURNS uuid LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wire CONSTANT jsonb := jsonb_build_object(
    'wire_version', 1,
    'event_id', gen_random_uuid(),
    'occurred_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  ) || event;
  party CONSTANT text := CASE WHEN wire ? 'target_id' THEN 'target' ELSE 'actor' END;
BEGIN
  INSERT INTO public.ledgerline_outbox (event_id, message_key, value) VALUES (
    (wire ->> 'event_id')::uuid,
    concat_ws('/', coalesce(wire ->> 'tenant_id', 'default'), wire ->> (party || '_type'), wire ->> (party || '_id')),
    wire::text
  );
  RETURN (wire ->> 'event_id')::uuid;
END $$;

-- Nobody but the owner, until `--service-role` and `--relay-role` say who.
REVOKE ALL ON FUNCTION public.ledgerline_outbox_add(jsonb) FROM PUBLIC;
-- Triggers run without it. With it, anybody's own table could have this trigger, and fill the queue.
REVOKE ALL ON FUNCTION public.ledgerline_outbox_enqueue() FROM PUBLIC;
