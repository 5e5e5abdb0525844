/** What the relay judges and says, without a database. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { judge } from '../../outbox/judge.ts';
import { grantsSql } from '../../outbox/grants.ts';
import { openSession, outboxInsert, startRelay } from '../../outbox/index.ts';
import { explainPostgres, placeOf } from '../../outbox/postgres-errors.ts';
import { createLedger, infrastructure } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

const ledger = createLedger({
  service: 'shop',
  catalog: [infrastructure],
  kafka: { brokers: ['127.0.0.1:1'] },
  reportIntervalMs: false,
  actor: { type: 'user', id: 'u_7' },
  excludeActions: ['app.deleted'],
  logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
});
const created = ledger.prepare('app.created', { target: { id: 'app_1' } });

describe('R-REC-11: what a service writes', () => {
  it('is one INSERT of an event without a sequence number, which may be rolled back', () => {
    const insert = outboxInsert(created, { schema: 'audit' });
    expect(insert?.text).toBe(
      'INSERT INTO "audit".ledgerline_outbox (event_id, message_key, value) VALUES ($1, $2, $3)',
    );
    expect(insert?.values[1]).toBe('default/app/app_1');
    const row = JSON.parse(insert?.values[2] ?? '') as Record<string, unknown>;
    expect(row).toMatchObject({ event_id: insert?.values[0], service: 'shop' });
    expect(row).not.toHaveProperty('producer_seq');
    expect(ledger.stats()).toMatchObject({ lastSeq: 0, emitted: 1, prepared: 1, accepted: 0 });
  });

  it.each(['a\0b', '界'.repeat(200_000)])(
    'has the key that emit would send it under: %.9j',
    async (id) => {
      const transport = memoryTransport();
      const sent = createLedger({ service: 'shop', catalog: [infrastructure], transport });
      const input = { actor: { type: 'user', id: 'u_7' }, target: { id } } as const;
      const prepared = sent.prepare('app.created', input);
      const receipt = sent.emit('app.created', input);
      await sent.close();
      const key = prepared.status === 'prepared' ? prepared.key : prepared.status;
      expect(key).toBe(transport.messages[0]?.key ?? receipt.status);
      expect(key).not.toContain('\0');
    },
  );

  it('is nothing where the policy keeps nothing, and an error where the event is wrong', () => {
    const filtered = ledger.prepare('app.deleted', { target: { id: 'app_1' }, reason: 'old' });
    expect(filtered).toEqual({ status: 'filtered', cause: 'excluded_action' });
    expect(outboxInsert(filtered)).toBeUndefined();
    const wrong = ledger.prepare('app.env_var.updated', {
      target: { id: 'env_1' },
      // @ts-expect-error: what a caller without types may pass
      data: { key: 7 },
    });
    expect(() => outboxInsert(wrong)).toThrow('app.env_var.updated');
    expect(() => outboxInsert(created, { schema: 'a"b' })).toThrow('schema');
    expect(() => grantsSql('public', { service: 'a"b' })).toThrow('role');
  });
});

describe('R-REC-11: the pace of a relay', () => {
  it('is checked before anybody is contacted, every fault at once', async () => {
    const starting = startRelay({
      url: 'postgres://nobody:x@127.0.0.1:1/none',
      kafka: { brokers: ['127.0.0.1:1'] },
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      batchRows: 0,
      pollMs: Infinity,
      drainTimeoutMs: NaN,
    });
    await expect(starting).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/batchRows: .*pollMs: .*drainTimeoutMs: must be 0/u) as string,
    });
  });
});

describe('R-REC-11: what the relay judges', () => {
  const value = outboxInsert(created)?.values[2] ?? '';
  const { event_id } = JSON.parse(value) as { event_id: string };
  const row = { position: '1', id: '1', event_id, message_key: 'k', value, bytes: value.length };

  it('an event goes through byte by byte, also with columns of a newer version', () => {
    const judged = judge(row);
    expect(judged.ok && judged.event.value.toString()).toBe(value);
    const newer = `${value.slice(0, -1)},"some_day":1}`;
    expect(judge({ ...row, value: newer }).ok).toBe(true);
  });

  it.each([
    { reason: 'not_json', value: '{"a":' },
    { reason: 'not_a_row', value: '{"wire_version":1}' },
    { reason: 'not_a_row', value: '[]' },
    { reason: 'too_large', value: null },
  ])('what is no event is $reason, and quotes nothing of it', (poison) => {
    const judged = judge({ ...row, ...poison, bytes: 300_000 });
    expect(judged).toMatchObject({ ok: false, reason: poison.reason });
  });

  it('an id that is not the event’s own would defeat the search for repeats', () => {
    const other = '0192e4a0-0000-7000-8000-000000000000';
    expect(judge({ ...row, event_id: other })).toMatchObject({ ok: false, reason: 'id_mismatch' });
  });
});

describe('what PostgreSQL answers', () => {
  it('is told with its place and never with its password', () => {
    const place = placeOf('postgres://shop:canary@db.example:6432/shop');
    expect(place).toBe('db.example:6432/shop');
    expect(placeOf('postgres:///shop?host=/run/postgresql')).toBe('/run/postgresql:5432/shop');
  });

  it.each([
    'postgres://shop:can#ary@db.example/shop',
    'postgres://shop:123/canary@db.example/shop',
    'postgres://shop:canary@/shop',
  ])('an address that cannot be read is refused, without a word of it', async (url) => {
    const refusal = await openSession(url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(inspect(refusal)).not.toMatch(/can#?ary|123/);
  });

  it.each([
    ['28P01', 'POSTGRES_REFUSED', false],
    ['42501', 'POSTGRES_REFUSED', false],
    ['42P01', 'TABLE_UNFIT', false],
    ['57P01', 'POSTGRES_UNREACHABLE', true],
    ['57P05', 'POSTGRES_UNREACHABLE', true],
    ['ECONNREFUSED', 'POSTGRES_UNREACHABLE', true],
  ])('%s is %s', (code, ours, retryable) => {
    const error = Object.assign(new Error('says why'), { code });
    expect(explainPostgres(error, 'db:5432/shop')).toMatchObject({ code: ours, retryable });
  });

  it('a role that is not there is to be made first', () => {
    const error = Object.assign(new Error('role "shop" does not exist'), { code: '42704' });
    expect(explainPostgres(error, 'db:5432/shop')).toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringContaining('role "shop" does not exist') as string,
      hint: expect.stringContaining('CREATE ROLE') as string,
    });
  });
});
