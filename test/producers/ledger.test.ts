import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  authorization,
  createLedger,
  LedgerlineError,
  type LedgerOptions,
} from '../../producers/index.ts';
import { memoryTransport, type StoredMessage } from '../../producers/testing.ts';
import { actor, catalog, lineLogger, update } from './catalog.ts';

type Row = Readonly<Record<string, unknown>>;
const rowOf = ({ value }: StoredMessage): Row => JSON.parse(value) as Row;

function ledgerOn(options: Partial<LedgerOptions<typeof catalog>> = {}) {
  const transport = memoryTransport();
  const logger = lineLogger();
  const errors: LedgerlineError[] = [];
  const onError = (error: LedgerlineError): void => void errors.push(error);
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger,
    onError,
    ...options,
  });
  /** emit as JavaScript without types sees it. */
  const emit = ledger.emit.bind(ledger) as (
    type: unknown,
    input: unknown,
  ) => ReturnType<typeof ledger.emit>;
  const rows = (): Row[] => transport.messages.map(rowOf);
  return { ledger, emit, transport, logger, errors, rows };
}

describe('emit', () => {
  test('R-REC-01, R-EDGE-02: a kept event is stamped with who, what, when, and why it was kept', async () => {
    const { ledger, rows, transport } = ledgerOn();
    const receipt = ledger.emit('app.env_var.updated', {
      ...update(42),
      related: [{ role: 'parent', type: 'app', id: 'app_1' }],
    });
    if (receipt.status !== 'accepted') throw new Error(receipt.status);
    expect(receipt.seq).toBe(1);
    await ledger.close();
    expect(rows()).toEqual([
      expect.objectContaining({
        wire_version: 1,
        event_id: receipt.id,
        event_type: 'app.env_var.updated',
        category: 'app',
        operation: 'update',
        outcome: 'success',
        tenant_id: 'default',
        actor_type: 'user',
        actor_id: 'u_7',
        target_type: 'env_var',
        target_id: 'env_42',
        service: 'panel',
        producer_id: ledger.producerId,
        producer_seq: 1,
        policy_level: 'writes_only',
        weight: 1,
        data: { key: 'DATABASE_URL', restart: false },
      }),
    ]);
    const [message] = transport.messages;
    expect(message).toMatchObject({
      id: receipt.id,
      key: 'default/env_var/env_42',
      mayRepeat: false,
    });
  });

  test('R-REC-06: an alias is its type', async () => {
    const { ledger, rows } = ledgerOn();
    ledger.emit('env_changed', update());
    await ledger.close();
    expect(rows()[0]).toMatchObject({ event_type: 'app.env_var.updated' });
  });

  test('R-REC-02: a free-form type is kept with its message, and decided like any other', async () => {
    const { ledger, rows, emit } = ledgerOn({ excludeActions: ['server.noise.*'] });
    expect(ledger.emit('server.note', { actor, message: 'SSH key added' }).status).toBe('accepted');
    expect(ledger.emit('server.noise.heard', { actor, message: 'x' })).toEqual({
      status: 'filtered',
      cause: 'excluded_action',
    });
    expect(emit('server.note', { actor })).toMatchObject({
      status: 'rejected',
      error: { code: 'EVENT_MESSAGE_REQUIRED' },
    });
    await ledger.close();
    expect(rows()).toEqual([expect.objectContaining({ message: 'SSH key added' })]);
  });

  test('an event with an error is a failure unless it says otherwise', async () => {
    const { ledger, rows } = ledgerOn();
    ledger.emit('app.env_var.updated', { ...update(), error: { code: 'E1' } });
    ledger.emit('app.env_var.updated', { ...update(), error: { code: 'E1' }, outcome: 'denied' });
    await ledger.close();
    expect(rows().map((row) => row['outcome'])).toEqual(['failure', 'denied']);
  });

  test('a type that is about a refusal is denied without saying so, with or without an error', async () => {
    const transport = memoryTransport();
    const ledger = createLedger({ service: 'panel', catalog: authorization, transport });
    const data = { permission: 'keys:write' };
    ledger.emit('authorization.permission.denied', { actor, data });
    ledger.emit('authorization.permission.denied', { actor, data, error: { code: 'ROLE' } });
    await ledger.close();
    expect(transport.events().map(({ outcome }) => outcome)).toEqual(['denied', 'denied']);
  });

  test('what is filtered answers with one shared receipt for each cause', () => {
    const { ledger } = ledgerOn();
    const view = { actor, target: { id: 'app_1' } };
    const first = ledger.emit('app.viewed', view);
    expect(first).toEqual({ status: 'filtered', cause: 'level' });
    expect(ledger.emit('app.viewed', view)).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
  });

  test('a refused read and a protected one pass writes_only', () => {
    const { ledger } = ledgerOn({ excludeActions: ['*'], excludeResources: ['*'] });
    const denied = ledgerOn().ledger.emit('app.viewed', {
      actor,
      target: { id: 'app_1' },
      outcome: 'denied',
    });
    expect(denied.status).toBe('accepted');
    const viewed = ledger.emit('security.key.viewed', { actor, target: { id: 'k_1' } });
    expect(viewed.status).toBe('accepted');
  });

  test('R-EDGE-03: excluded resources match the target type given, or else the declared one', () => {
    const { ledger } = ledgerOn({ excludeResources: ['env_*'] });
    expect(ledger.emit('app.env_var.updated', update())).toMatchObject({
      cause: 'excluded_resource',
    });
    const note = { actor, message: 'x', target: { type: 'env_file', id: 'f' } };
    expect(ledger.emit('server.note', note)).toMatchObject({ cause: 'excluded_resource' });
    expect(ledger.emit('app.created', { actor, target: { id: 'a' } }).status).toBe('accepted');
  });

  test('the caller may change its objects as soon as emit returns', async () => {
    const { ledger, rows } = ledgerOn();
    const input = { ...update(), actor: { ...actor, name: 'Ada' }, data: { key: 'before' } };
    ledger.emit('app.env_var.updated', input);
    input.data.key = 'after';
    (input.actor as { name: string }).name = 'Mallory';
    await ledger.close();
    expect(rows()[0]).toMatchObject({ actor_name: 'Ada', data: { key: 'before' } });
  });

  test('an event without an actor takes the ledger’s, or is rejected', async () => {
    const system = ledgerOn({ actor: { type: 'system', id: 'cron' } });
    system.ledger.emit('app.created', { target: { id: 'a' } });
    await system.ledger.close();
    expect(system.rows()[0]).toMatchObject({ actor_type: 'system', actor_id: 'cron' });
    expect(ledgerOn().ledger.emit('app.created', { target: { id: 'a' } })).toMatchObject({
      cause: 'invalid',
      error: { code: 'EVENT_INVALID' },
    });
  });

  test('an event under an id of the caller’s own may be a repeat, and is sent as one', async () => {
    const { ledger, transport } = ledgerOn();
    const id = '0193e1c2-7d3e-7a41-9c0f-2b6a51d8e7f4';
    ledger.emit('app.env_var.updated', { ...update(), id });
    await ledger.close();
    expect(transport.messages[0]).toMatchObject({ id, mayRepeat: true });
  });
});

describe('R-REC-07: emit never throws', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const hostile: [string, unknown, unknown][] = [
    ['no input', 'app.created', undefined],
    ['null', 'app.created', null],
    ['a number', 'app.created', 7],
    ['a symbol as type', Symbol('x'), update()],
    ['an object as type', { toString: boom }, update()],
    ['an unknown type', 'app.exploded', update()],
    ['a prototype member as type', '__proto__', update()],
    ['an unknown version', 'app.created', { ...update(), version: 99 }],
    ['an unknown outcome', 'app.created', { ...update(), outcome: 'toString' }],
    ['an unknown severity', 'app.created', { actor, target: { id: 'a' }, severity: 'constructor' }],
    ['an id that is none', 'app.created', { actor, target: { id: 'a' }, id: 'x' }],
    ['an invalid date', 'app.created', { actor, target: { id: 'a' }, occurredAt: new Date(NaN) }],
    ['a target without id', 'app.created', { actor, target: {} }],
    ['data of the wrong kind', 'app.env_var.updated', { ...update(), data: { key: 1 } }],
    [
      'a throwing getter on top',
      'app.created',
      Object.defineProperty({}, 'actor', { get: boom, enumerable: true }),
    ],
    ['a throwing outcome', 'app.created', Object.defineProperty({}, 'outcome', { get: boom })],
    [
      'a getter that throws what cannot be looked at',
      'app.created',
      Object.defineProperty({}, 'outcome', {
        get: () => {
          throw new Proxy(new Error(), { get: boom, getPrototypeOf: boom });
        },
      }),
    ],
    [
      'a proxy that always throws',
      'app.created',
      new Proxy({}, { get: boom, ownKeys: boom, has: boom }),
    ],
  ];

  test.each(hostile)('%s is rejected, counted, and told', (_what, type, input) => {
    const { emit, ledger, errors } = ledgerOn();
    const receipt = emit(type, input);
    if (receipt.status !== 'rejected') throw new Error(receipt.status);
    expect(receipt.error).toBeInstanceOf(LedgerlineError);
    expect(receipt.error.hint).not.toBe('');
    expect(errors).toEqual([receipt.error]);
    const { emitted, rejected } = ledger.stats();
    expect({ emitted, counted: rejected[receipt.cause] }).toEqual({ emitted: 1, counted: 1 });
  });

  test('a throwing onError, a throwing logger: still a receipt', () => {
    const logger = { info: boom, warn: boom, error: boom };
    const { emit } = ledgerOn({ logger, onError: boom });
    expect(emit('nothing.such', {}).status).toBe('rejected');
  });

  test('a throwing clock', () => {
    const { ledger } = ledgerOn({ clock: boom });
    expect(ledger.emit('app.env_var.updated', update()).status).toBe('rejected');
  });

  test('anything at all', () => {
    const { emit, ledger } = ledgerOn({ level: 'all' });
    const types = fc.oneof(
      fc.constantFrom('app.created', 'server.x', 'env_changed'),
      fc.anything(),
    );
    let calls = 0;
    fc.assert(
      fc.property(
        types,
        fc.anything({ withBigInt: true, withNullPrototype: true }),
        (type, input) => {
          calls += 1;
          const merged = typeof input === 'object' ? { actor, ...input } : input;
          expect(emit(type, merged).status).toMatch(/accepted|filtered|rejected/);
        },
      ),
    );
    expect(ledger.stats().emitted).toBe(calls);
  });

  test('the same complaint is one line in the log', () => {
    const { emit, logger } = ledgerOn();
    for (let n = 0; n < 100; n += 1) emit('app.exploded', {});
    expect(logger.lines).toEqual(['error: an event is not recorded; more like it are counted']);
  });
});

describe('producer_seq', () => {
  test('R-EDGE-10: has no gap over what was filtered or invalid, and one for each that found no room', async () => {
    const { ledger, emit, rows } = ledgerOn({ buffer: { maxEvents: 2 }, level: 'writes_only' });
    ledger.emit('app.env_var.updated', update());
    emit('app.env_var.updated', { ...update(), data: { key: 1 } });
    emit('app.env_var.updated', { ...update(), id: 'no uuid' });
    ledger.emit('app.viewed', { actor, target: { id: 'a' } });
    ledger.emit('app.env_var.updated', update());
    expect(ledger.emit('app.env_var.updated', update())).toMatchObject({
      status: 'rejected',
      cause: 'queue_full',
      error: { code: 'BUFFER_FULL', retryable: true },
    });
    await ledger.flush();
    ledger.emit('app.env_var.updated', update());
    await ledger.close();
    expect(rows().map((row) => row['producer_seq'])).toEqual([1, 2, 4]);
    expect(ledger.stats().rejected.queue_full).toBe(1);
  });

  test('a full buffer is two lines in the log: when it begins and when it is over', async () => {
    const { ledger, logger } = ledgerOn({ buffer: { maxEvents: 2 } });
    for (let n = 0; n < 50; n += 1) ledger.emit('app.env_var.updated', update());
    await ledger.flush();
    expect(logger.lines).toEqual([
      'error: the buffer is full: events are refused',
      'error: an event is not recorded; more like it are counted',
      'warn: the buffer has room again',
    ]);
  });
});

describe('R-EDGE-01: the kill switch', () => {
  test('turns everything off, protected events too, and says so once', async () => {
    const { ledger, emit, transport, logger } = ledgerOn({ enabled: false });
    const off = { status: 'filtered', cause: 'disabled' };
    expect(ledger.emit('security.key.viewed', { actor, target: { id: 'k' } })).toEqual(off);
    expect(emit('no.such.type', {})).toEqual(off);
    expect(await ledger.record('app.env_var.updated', update())).toEqual(off);
    await ledger.close();
    expect(transport.messages).toEqual([]);
    expect(logger.lines).toEqual([expect.stringContaining('DISABLED')]);
  });
});

describe('R-REC-08: record', () => {
  test('resolves with where the log has the event', async () => {
    const { ledger, transport } = ledgerOn({ flushIntervalMs: 60_000 });
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ledger.record('app.env_var.updated', update(n))),
    );
    for (const receipt of receipts) {
      if (receipt.status !== 'stored') throw new Error(receipt.status);
      const { partition, offset, id } = receipt;
      expect(transport.messages).toContainEqual(expect.objectContaining({ partition, offset, id }));
    }
    await ledger.close();
  });

  test('says at once that the policy does not keep the event', async () => {
    const { ledger, transport } = ledgerOn();
    transport.hang();
    expect(await ledger.record('app.viewed', { actor, target: { id: 'a' } })).toEqual({
      status: 'filtered',
      cause: 'level',
    });
  });

  test('rejects at its deadline when the log hangs; the event still arrives, and only once', async () => {
    const { ledger, transport, errors } = ledgerOn();
    transport.hang();
    const recorded = ledger.record('app.env_var.updated', update(), { timeoutMs: 30 });
    await expect(recorded).rejects.toMatchObject({
      name: 'DeliveryError',
      code: 'DEADLINE_EXCEEDED',
      retryable: true,
      eventId: expect.stringMatching(/^[0-9a-f-]{36}$/u) as string,
    });
    transport.recover();
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(transport.messages).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(ledger.stats()).toMatchObject({ accepted: 1, stored: 1, pending: 0 });
  });

  test('an event that is refused for good fails alone', async () => {
    const { ledger, transport } = ledgerOn();
    transport.refuse(({ key }) => key.endsWith('env_3'));
    const ends = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => ledger.record('app.env_var.updated', update(n))),
    );
    expect(ends.map(({ status }) => status)).toEqual(
      ends.map((_, n) => (n === 3 ? 'rejected' : 'fulfilled')),
    );
    expect(ends[3]).toMatchObject({ reason: { code: 'KAFKA_REFUSED', retryable: false } });
    await ledger.close();
    expect(ledger.stats()).toMatchObject({ stored: 7, lost: { refused: 1 } });
  });

  test('rejects at once what emit would reject', async () => {
    const { ledger } = ledgerOn();
    const record = ledger.record.bind(ledger) as (type: string, input: unknown) => Promise<unknown>;
    await expect(record('app.exploded', {})).rejects.toMatchObject({ code: 'EVENT_TYPE_UNKNOWN' });
    await ledger.close();
    await expect(ledger.record('app.env_var.updated', update())).rejects.toMatchObject({
      code: 'CLOSED',
      retryable: false,
    });
  });
});

/** Nobody's deadline but the short one's has passed once that has rejected. */
describe('R-EDGE-06: a deadline longer than Node’s timers can count', () => {
  test.each([Infinity, 2 ** 31, 1e15])('%d ms: record waits', async (timeoutMs) => {
    const { ledger, transport } = ledgerOn();
    transport.hang();
    const patient = ledger.record('app.env_var.updated', update(), { timeoutMs });
    const flushed = ledger.flush({ timeoutMs });
    const short = ledger.record('app.env_var.updated', update(), { timeoutMs: 30 });
    await expect(short).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    transport.recover();
    expect(await patient).toMatchObject({ status: 'stored' });
    expect(await flushed).toEqual({ complete: true, left: 0 });
  });

  test.each([Infinity, 2 ** 31, 1e15])('%d ms: close waits', async (timeoutMs) => {
    const { ledger, transport } = ledgerOn();
    transport.hang();
    const short = ledger.record('app.env_var.updated', update(), { timeoutMs: 30 });
    const closed = ledger.close({ timeoutMs });
    await expect(short).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    transport.recover();
    expect(await closed).toEqual({ complete: true, left: 0 });
  });

  test.each([NaN, -1, '100', null])('%j is none, and nothing has happened', async (none) => {
    const { ledger } = ledgerOn();
    const timeoutMs = none as number;
    const fault = (call: string) => ({
      name: 'LedgerlineError',
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`${call}: timeoutMs must be`) as string,
    });
    await expect(
      ledger.record('app.env_var.updated', update(), { timeoutMs }),
    ).rejects.toMatchObject(fault('record'));
    await expect(ledger.flush({ timeoutMs })).rejects.toMatchObject(fault('flush'));
    await expect(ledger.close({ timeoutMs })).rejects.toMatchObject(fault('close'));
    expect(ledger.stats().emitted).toBe(0);
    expect(await ledger.close({ timeoutMs: 0 })).toMatchObject({ complete: true });
  });
});

describe('R-EDGE-06: close', () => {
  test('delivers everything that is pending, once, however often it is called', async () => {
    const { ledger, transport } = ledgerOn({ flushIntervalMs: 60_000 });
    for (let n = 0; n < 5_000; n += 1) ledger.emit('app.env_var.updated', update(n));
    const first = ledger.close();
    expect(ledger.close()).toBe(first);
    expect(await first).toEqual({ complete: true, left: 0 });
    expect(transport.messages).toHaveLength(5_000);
    expect(transport.closed).toBe(true);
    expect(ledger.emit('app.env_var.updated', update())).toMatchObject({ cause: 'closed' });
  });

  test('keeps its deadline when the log hangs, and says what is left and why', async () => {
    const { ledger, transport, logger, errors } = ledgerOn();
    transport.fail(new Error('connection refused'));
    ledger.emit('app.env_var.updated', update());
    const recorded = ledger.record('app.env_var.updated', update());
    const [end, report] = await Promise.allSettled([recorded, ledger.close({ timeoutMs: 50 })]);
    expect(report).toMatchObject({
      value: { complete: false, left: 2, error: { message: 'connection refused' } },
    });
    expect(end).toMatchObject({ reason: { name: 'DeliveryError', code: 'CLOSED' } });
    expect(ledger.stats()).toMatchObject({ accepted: 2, pending: 0, lost: { abandoned: 2 } });
    expect(errors).toHaveLength(2);
    expect(logger.lines).toContain('error: closed with events that were not delivered');
  });

  test('a flush that a close overtakes does not call given up events delivered', async () => {
    const { ledger, transport } = ledgerOn();
    transport.fail();
    ledger.emit('app.env_var.updated', update());
    const flushed = ledger.flush();
    await ledger.close({ timeoutMs: 20 });
    expect(await flushed).toMatchObject({ complete: false, left: 1 });
  });

  test('await using closes', async () => {
    const { transport, ledger } = ledgerOn();
    {
      await using own = ledger;
      own.emit('app.env_var.updated', update());
    }
    expect(transport.messages).toHaveLength(1);
    expect(transport.closed).toBe(true);
  });

  test('flush answers at its deadline what still waits', async () => {
    const { ledger, transport } = ledgerOn();
    transport.hang();
    ledger.emit('app.env_var.updated', update());
    expect(await ledger.flush({ timeoutMs: 20 })).toMatchObject({ complete: false, left: 1 });
    transport.recover();
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
  });
});

describe('R-EDGE-10: the counters', () => {
  test('add up, by category and in all, at every moment', async () => {
    const { ledger, emit, transport } = ledgerOn({ buffer: { maxEvents: 40 } });
    transport.refuse(({ key }) => key.endsWith('env_5'));
    for (let n = 0; n < 60; n += 1) {
      ledger.emit('app.env_var.updated', update(n));
      ledger.emit('app.viewed', { actor, target: { id: 'a' } });
      ledger.emit('server.note', { actor, message: 'x' });
      emit('app.env_var.updated', {});
      emit('no.such', {});
      if (n === 30) await ledger.flush();
    }
    const check = (counts: ReturnType<typeof ledger.stats>): void => {
      const sum = (of: Readonly<Record<string, number>>): number =>
        Object.values(of).reduce((a, b) => a + b, 0);
      for (const each of [counts, ...Object.values(counts.byCategory)]) {
        expect(each.emitted).toBe(each.accepted + sum(each.filtered) + sum(each.rejected));
        expect(each.accepted).toBe(each.stored + each.pending + sum(each.lost));
      }
    };
    check(ledger.stats());
    expect(ledger.stats().pending).toBe(ledger.stats().buffered.events);
    await ledger.close();
    const after = ledger.stats();
    check(after);
    expect(after).toMatchObject({ emitted: 300, pending: 0, lost: { refused: 1 } });
    expect(after.stored).toBe(transport.messages.length);
    expect(after.byCategory['unknown']?.rejected.unknown_type).toBe(60);
  });
});
