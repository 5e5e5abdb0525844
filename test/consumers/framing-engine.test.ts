/**
 * Our idea of where a message ends against the engine's. Where they differ, a message can bring a second
 * row along, with any offset it likes, or have a neighbour blamed for its fault.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ClickHouseError, type ClickHouse, openClickHouse } from '../../clickhouse/index.ts';
import { classify } from '../../consumers/failure.ts';
import { closingBrace } from '../../consumers/framing.ts';
import { judge } from '../../consumers/judge.ts';
import { LedgerSink } from '../../consumers/ledger-sink.ts';
import { COLUMNS } from '../../schemas/index.ts';
import { batchOf, message, ORIGIN } from './messages.ts';
import { mutations } from './wire-mutations.ts';

const NEIGHBOUR = Buffer.from('{"actor_id":"neighbour"}');
const NEVER = { nowMs: 0, daysOf: () => Number.POSITIVE_INFINITY };

const database = `framing_${randomBytes(6).toString('hex')}`;
let server: ClickHouse;
let clickhouse: ClickHouse;
let sink: LedgerSink;
let nextOffset = 0;

beforeAll(async () => {
  server = openClickHouse({ url: inject('clickhouseUrl') });
  clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database });
  sink = new LedgerSink(clickhouse);
  await server.command(`CREATE DATABASE ${database}`);
  // The ledger's columns without its constraints: nothing but the parser stands in an attacker's way.
  const columns = COLUMNS.map(({ name, type }) => {
    if (name === 'lease') return 'lease UInt32 EPHEMERAL 0';
    if (name !== 'ingested_at') return `${name} ${type}`;
    return `ingested_at ${type} DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease)))`;
  });
  await clickhouse.command(
    `CREATE TABLE audit_events (${columns.join(', ')}) ENGINE = MergeTree ORDER BY kafka_offset`,
  );
});

afterAll(async () => {
  await server.command(`DROP DATABASE ${database}`);
  await clickhouse.close();
  await server.close();
});

/** Inserts the messages as the worker does; answers what the engine refused, if it did. */
async function insert(messages: readonly Buffer[]): Promise<ClickHouseError | undefined> {
  const first = nextOffset;
  nextOffset += messages.length + 1;
  const { rows } = batchOf(messages.map((value, index) => message(first + index, value)));
  try {
    const written = await sink.insert(rows, new Map(), {
      origin: ORIGIN,
      token: `framing/${first}`,
      leaseSeconds: Math.floor(Date.now() / 1000) + 60,
      timeoutMs: 20_000,
    });
    expect(written).toBe(messages.length);
  } catch (error) {
    if (error instanceof ClickHouseError) return error;
    throw error;
  }
  return undefined;
}

/**
 * Stores the messages, each between two good neighbours, as far as the engine takes them. Whoever is
 * refused must be one of them by name, or be seen to be unfit by our own judge.
 */
async function storeBetweenNeighbours(messages: readonly Buffer[]): Promise<number> {
  let waiting = [...messages];
  const parsed: Buffer[] = [];
  const blame = (index: number): void => {
    parsed.push(...waiting.slice(0, index));
    waiting = waiting.slice(index + 1);
  };
  while (waiting.length > 0) {
    const refused = await insert([...waiting.flatMap((one) => [NEIGHBOUR, one]), NEIGHBOUR]);
    if (!refused) {
      parsed.push(...waiting);
      break;
    }
    expect(classify(refused).kind).toBe('content');
    const blamed =
      refused.row === undefined
        ? waiting.findIndex((one) => judge(one, NEVER).kind !== 'fine')
        : refused.row / 2 - 1;
    const isOurs = Number.isInteger(blamed) && blamed >= 0;
    expect(isOurs, `a good neighbour, or nobody, is to blame: ${refused.message}`).toBe(true);
    blame(blamed);
  }
  // Those that stood before a refused one have been read, but not counted yet.
  const left = parsed.length > 0 ? await insert(parsed) : undefined;
  expect(left, 'what was read in a batch is refused without it').toBeUndefined();
  return parsed.length;
}

describe('the engine sees each message end where we do (R-DLV-02)', () => {
  it('stores exactly one row for each message, whatever was done to it', async () => {
    let tried = 0;
    let stored = 0;
    const accepted = mutations.filter((bytes) => closingBrace(bytes) >= 0);
    await fc.assert(
      fc.asyncProperty(fc.array(accepted, { minLength: 30, maxLength: 30 }), async (messages) => {
        tried += messages.length;
        stored += await storeBetweenNeighbours(messages);
      }),
      { numRuns: 15, endOnFailure: true },
    );
    // Neither "all refused" nor "all taken" would prove anything.
    expect(stored).toBeGreaterThan(tried / 50);
    expect(stored).toBeLessThan(tried);

    const [found] = await clickhouse.query<Record<'rows' | 'offsets' | 'strange', string>>(
      `SELECT count() AS rows, uniqExact(kafka_offset) AS offsets,
         countIf(kafka_offset >= {next:UInt64} OR kafka_topic != {topic:String} OR kafka_partition != 3) AS strange
       FROM audit_events`,
      { params: { next: nextOffset, topic: ORIGIN.topic } },
    );
    expect(found?.rows).toBe(found?.offsets);
    expect(found?.strange).toBe('0');
  }, 60_000);

  // Each of these stored two rows, or would have, before its hole was closed.
  it.each([
    ['two objects', '{"kafka_offset":999}{}'],
    ['a quote among the digits of \\u', '{"data":{"a":"\\u00"}}\n{"data":{"b":"x"}}'],
    ['an escaped quote outside strings', '{"data":{\\"}}\n{"data":{"a":"\\"","b":1}}'],
  ])('control: without the check, the engine sees another end in %s', async (_, text) => {
    const bytes = Buffer.from(text);
    expect(closingBrace(bytes)).toBe(-1);
    const spliced = `${text.slice(0, -1)},"kafka_offset":1}`.replace('{},', '{');
    const rows = await server
      .query<object>(
        `SELECT * FROM format(JSONEachRow, 'data String, kafka_offset UInt64', {body:String})`,
        { params: { body: spliced } },
      )
      .catch((error: unknown) => error as ClickHouseError);
    // It stores two rows, or finds the fault in a second one.
    expect(Array.isArray(rows) ? rows.length : (rows.row ?? 0)).toBeGreaterThan(1);
  });

  it('should our check fail, the engine counts other rows than were sent, and stores none of them', async () => {
    const { rows } = batchOf([message(nextOffset++, NEIGHBOUR), message(nextOffset++, NEIGHBOUR)]);
    const two = Buffer.from('{"actor_id":"smuggled","kafka_offset":999999}\n{"actor_id":"x"}');
    const storing = sink.insert(rows, new Map([[rows[1]?.offset ?? 0, two]]), {
      origin: ORIGIN,
      token: `framing/smuggled`,
      leaseSeconds: Math.floor(Date.now() / 1000) + 60,
      timeoutMs: 20_000,
    });
    const refused: unknown = await storing.catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ClickHouseError);
    expect(refused).toMatchObject({ engineCode: 117 });
    expect(refused).not.toHaveProperty('row');
    expect(classify(refused).kind).toBe('content');
    const found = await clickhouse.query(
      'SELECT 1 FROM audit_events WHERE kafka_offset = 999999 OR kafka_offset = {offset:UInt64}',
      { params: { offset: rows[0]?.offset } },
    );
    expect(found).toEqual([]);
  });

  it.each([
    ['the offset', '{"kafka_offset":5}'],
    ['the offset, its name escaped', '{"kafka\\u005foffset":5}'],
    ['the topic', '{"kafka_topic":"other"}'],
    ['an expired lease', '{"lease":1}'],
    ['a lease for ever', '{"lease":4294967295}'],
    ['a lease, its name escaped', '{"\\u006cease":1}'],
    ['the time of its arrival', '{"ingested_at":"2020-01-01 00:00:00"}'],
  ])('refuses a message that brings %s, and names it', async (_, text) => {
    const refused = await insert([NEIGHBOUR, Buffer.from(text), NEIGHBOUR]);
    expect(refused).toMatchObject({ engineCode: 117, row: 2 });
    const verdict = judge(Buffer.from(text), NEVER);
    expect(verdict).toMatchObject({ kind: 'rejected', rejection: { reason: 'forged' } });
  });

  it.each([
    ['an unknown key inside a tuple', '{"changes":[{"op":"add","path":"/a","by":"x"}]}'],
    ['a NUL inside a key', '{"ev\0nt":1}'],
    ['half a surrogate pair', '{"actor_id":"\\ud800"}'],
    ['an integer written as a fraction', '{"producer_seq":1.0}'],
    ['an address with a zone', '{"source_ip":"fe80::1%eth0"}'],
  ])('takes %s for the message’s fault, not for an outage', async (_, text) => {
    const refused = await insert([NEIGHBOUR, Buffer.from(text), NEIGHBOUR]);
    expect(classify(refused).kind).toBe('content');
    expect(judge(Buffer.from(text), NEVER).kind).toBe('rejected');
  });
});
