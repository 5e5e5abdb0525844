import { MAX_MESSAGE_BYTES } from '../schemas/index.ts';
import type { OutboxRow, Rejection } from './judge.ts';
import type { Session } from './postgres.ts';
import { quotedSchema } from './schema-name.ts';

/** What a batch ended as. */
export interface Settled {
  /** In the log; or deleted by somebody else. */
  readonly published: readonly OutboxRow[];
  readonly rejected: readonly (Rejection & { readonly row: OutboxRow })[];
}

/** Advisory locks beside the 64 of the migration's trigger; all belong to the table by its oid. */
const LEADER = -1;
const BELL = 0;

const LONGEST_ERROR = 2_000;

/** As PostgreSQL's text takes it: what names an event's own keys may be long, or have NUL in it. */
const storable = (error: string): string =>
  error.slice(0, LONGEST_ERROR).replaceAll('\0', '\uFFFD');

/** The outbox's tables, as the relay uses them. One statement each, so that each happens whole. */
export class OutboxStore {
  readonly #session: Session;
  readonly #schema: string;
  readonly #table: string;

  constructor(session: Session, schema: string) {
    this.#session = session;
    this.#schema = quotedSchema(schema);
    this.#table = `${this.#schema}.ledgerline_outbox`;
  }

  /** Hears when somebody rings the bell; does not wait for the disk at commits. */
  async attend(): Promise<void> {
    const [found] = await this.#session.query<{ oid: string }>(
      'SELECT $1::regclass::oid::text AS oid',
      [this.#table],
    );
    // What a crash of the server takes back, rows taken out, is published again as a repeat.
    await this.#session.script(
      `LISTEN ledgerline_outbox_${Number(found?.oid)}; SET synchronous_commit = off`,
    );
  }

  /** Whether this session is now the one that publishes; it stays so until it ends. */
  lead(): Promise<boolean> {
    return this.#tryLock(LEADER);
  }

  /** Whether whoever commits now rings. Not while a commit is under way that did not. */
  holdBell(): Promise<boolean> {
    return this.#tryLock(BELL);
  }

  async dropBell(): Promise<void> {
    await this.#session.query('SELECT pg_advisory_unlock($1::regclass::oid::int, $2)', [
      this.#table,
      BELL,
    ]);
  }

  async hasWork(): Promise<boolean> {
    const [found] = await this.#session.query<{ work: boolean }>(
      `SELECT EXISTS (SELECT FROM ${this.#table}_queue) AS work`,
    );
    return found?.work === true;
  }

  /** Says something, so that the server does not take a waiting relay for a dead one. */
  async heartbeat(): Promise<void> {
    await this.#session.query('SELECT 1');
  }

  /**
   * The next rows in the order of commits: at most so many, and of so many bytes, but one at least.
   * Values that are too large to be events stay where they are.
   */
  read(maxRows: number, maxBytes: number): Promise<OutboxRow[]> {
    return this.#session.query<OutboxRow>(
      `SELECT position::text, id::text, event_id::text, message_key, bytes,
              CASE WHEN bytes <= $3 THEN value END AS value
       FROM (SELECT q.position, q.outbox_id AS id, o.event_id, o.message_key, o.value,
                    octet_length(o.value) AS bytes,
                    sum(least(coalesce(octet_length(o.value), 0), $3)) OVER (ORDER BY q.position)
                      - least(coalesce(octet_length(o.value), 0), $3) AS before
             FROM (SELECT position, outbox_id FROM ${this.#table}_queue ORDER BY position LIMIT $1) q
             LEFT JOIN ${this.#table} o ON o.id = q.outbox_id) AS next
       WHERE before < $2 ORDER BY next.position`,
      [maxRows, maxBytes, MAX_MESSAGE_BYTES],
    );
  }

  /** Takes settled rows out: the published ones for good, the rejected ones to where they can be seen. */
  async conclude({ published, rejected }: Settled): Promise<void> {
    const rows = [...published, ...rejected.map(({ row }) => row)];
    await this.#session.query(
      `WITH queued AS (DELETE FROM ${this.#table}_queue WHERE position = ANY($1::bigint[])),
            gone AS (DELETE FROM ${this.#table} WHERE id = ANY($2::bigint[])
                     RETURNING id, event_id, message_key, value, written_at),
            aside AS (INSERT INTO ${this.#table}_rejected (id, event_id, message_key, value, written_at, reason, error)
                      SELECT gone.*, bad.reason, bad.error
                      FROM gone JOIN unnest($3::bigint[], $4::text[], $5::text[]) AS bad (id, reason, error) USING (id)
                      RETURNING id),
            counted AS (SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM aside) AS published)
       UPDATE ${this.#table}_progress AS progress
       SET published = progress.published + counted.published, last_published_at = clock_timestamp()
       FROM counted WHERE counted.published > 0`,
      [
        rows.map(({ position }) => position),
        // What was not seen is not deleted: its event may have committed meanwhile.
        rows.filter(({ event_id }) => event_id !== null).map(({ id }) => id),
        rejected.map(({ row }) => row.id),
        rejected.map(({ reason }) => reason),
        rejected.map(({ error }) => storable(error)),
      ],
    );
  }

  async #tryLock(number: number): Promise<boolean> {
    const [answer] = await this.#session.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1::regclass::oid::int, $2) AS taken',
      [this.#table, number],
    );
    return answer?.taken === true;
  }
}
