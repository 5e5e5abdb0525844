import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  applyRetention,
  type ClickHouse,
  EVERY_TENANT,
  history,
  inventory,
  type Moment,
  stateAt,
  type TargetState,
  undo,
  UndoRefused,
} from '../../../clickhouse/index.ts';
import { changesBetween } from '../../../producers/index.ts';
import { type AuditEvent, encodeRow, formatMicros, uuidv7 } from '../../../schemas/index.ts';
import { plainOf } from '../../../schemas/plain-value.ts';
import { eventOfLine } from '../../../cli/emit/event-of-line.ts';
import { builtInCatalog } from '../../../cli/emit/built-in-catalog.ts';
import { daysAgo, type Ledger, ledgerForTest, openLedger, row } from '../support.ts';

// Each asks the engine many times: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const START = (Date.now() - 20 * 86_400_000) * 1000;
const SECOND = 1_000_000;
const actor = { type: 'user', id: 'u_7' };

let ledger: Ledger;
let clickhouse: ClickHouse;

beforeAll(async () => {
  ledger = await openLedger();
  ({ clickhouse } = ledger);
});
afterAll(() => ledger.close());

const at = (second: number): string => formatMicros(START + second * SECOND) ?? '';

type Told = Partial<AuditEvent> & Pick<AuditEvent, 'target' | 'occurredAt'>;

const event = (fields: Told): AuditEvent => ({
  id: uuidv7(),
  type: 'contact.updated',
  version: 1,
  category: 'contact',
  operation: 'update',
  outcome: 'success',
  severity: 'informational',
  tenant: 'acme',
  actor,
  service: 'crm',
  ...fields,
});

/** The wire row of an event, in the order of Kafka's log. */
const stored = (one: AuditEvent) =>
  row(JSON.parse(encodeRow(one).toString('utf8')) as Record<string, unknown>);
const store = (...events: readonly AuditEvent[]) => ledger.insert(events.map(stored));

async function inventoryOf(type: string, when: string, tenant: string): Promise<TargetState[]> {
  const states: TargetState[] = [];
  for await (const state of inventory(clickhouse, type, when, { tenant })) states.push(state);
  return states;
}

const record = fc.dictionary(
  fc.constantFrom('a', 'b', 'c/d', '0'),
  fc.oneof(
    fc.constantFrom(0, 'x', null, true, 'ü"\\'),
    fc.array(fc.constantFrom(1, 2, 'y'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('e', 'f'), fc.nat({ max: 3 }), { maxKeys: 2 }),
  ),
  { minKeys: 1, maxKeys: 4 },
);

describe('R-ASK-02: states in the ledger', () => {
  it('rebuilds every intermediate state of random edits, of every target, exactly', async () => {
    const lives = fc.sample(fc.array(record, { minLength: 2, maxLength: 6 }), {
      numRuns: 12,
      seed: 7,
    });
    const target = (index: number) => ({
      type: 'record',
      id: `r_${String(index).padStart(2, '0')}`,
    });
    const events = lives.flatMap((states, index) =>
      states.map((state, n) => {
        const changes = changesBetween(n === 0 ? undefined : states[n - 1], state);
        const made = n === 0 ? { type: 'record.created', operation: 'create' as const } : {};
        // The targets' lives go on side by side, and each step takes a second.
        return event({ ...made, target: target(index), occurredAt: at(n * 100 + index), changes });
      }),
    );
    await store(
      ...events.toSorted((a, b) => (String(a.occurredAt) < String(b.occurredAt) ? -1 : 1)),
    );
    for (const [index, states] of lives.entries()) {
      for (const [n, state] of states.entries()) {
        const found = await stateAt(clickhouse, target(index), at(n * 100 + index), {
          tenant: 'acme',
        });
        expect(found).toMatchObject({ existence: 'exists', unknown: [], events: n + 1 });
        expect(found.record).toEqual(plainOf(state).value);
      }
      const before = await stateAt(clickhouse, target(index), at(-1), { tenant: 'acme' });
      expect(before).toMatchObject({ existence: 'absent', certain: true, events: 0 });
    }
    const listed = await inventoryOf('record', at(150), 'acme');
    expect(listed.map((state) => [state.target.id, state.record])).toEqual(
      lives.map((states, index) => [target(index).id, plainOf(states[1]).value]),
    );
  });

  it('where the beginning is gone, later events tell what was, as far back as none can have expired', async () => {
    const states = [
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: 2, b: 2, c: 3 },
    ];
    const target = { type: 'server', id: 'cut' };
    await store(
      ...states
        .slice(1)
        .map((state, n) =>
          event({ target, occurredAt: at(n * 10), changes: changesBetween(states[n], state) }),
        ),
      event({
        target,
        type: 'server.deleted',
        operation: 'delete',
        occurredAt: at(20),
        changes: changesBetween(states.at(-1), undefined),
      }),
    );
    for (const [n, state] of states.entries()) {
      const when = at(n * 10 - 1);
      const found = await stateAt(clickhouse, target, when, { tenant: 'acme' });
      expect(found).toMatchObject({ existence: 'exists', certain: true, record: state, events: n });
      const [listed] = await inventoryOf('server', when, 'acme');
      // Where none can have expired moves on with time.
      expect({ ...listed, certainSince: found.certainSince }).toEqual(found);
      // What was deleted comes back as it was then.
      const back = await undo(
        clickhouse,
        { target, to: when },
        { tenant: 'acme', actor, type: 'server.restored' },
      );
      expect(back.changes).toEqual([{ op: 'add', path: '', new: state }]);
    }
    expect(await stateAt(clickhouse, target, at(9), { tenant: 'acme' })).toMatchObject({
      certainSince: at(0),
    });
    // Beyond the days of the shortest class events may have expired.
    const long = new Date(Date.now() - 91 * 86_400_000);
    expect(await stateAt(clickhouse, target, long, { tenant: 'acme' })).toMatchObject({
      existence: 'unknown',
      certain: false,
    });
    const within = new Date(Date.now() - 89 * 86_400_000);
    const early = await stateAt(clickhouse, target, within, { tenant: 'acme' });
    expect(early).toMatchObject({ existence: 'exists', certain: true, record: states[0] });
    const since = Date.now() - Date.parse(String(early.certainSince));
    expect(Math.round(since / 86_400_000)).toBe(90);
  });

  it('days that were fewer once count: what had expired by them may have been something', async () => {
    const other = await ledgerForTest();
    const target = { type: 'server', id: 'shortened' };
    const deletion = event({
      target,
      type: 'server.deleted',
      operation: 'delete',
      occurredAt: at(0),
      changes: changesBetween({ a: 1 }, undefined),
    });
    await applyRetention(other.clickhouse, { standard: 30 });
    await applyRetention(other.clickhouse, { standard: 365 });
    await other.insert([stored(deletion)]);
    const state = (days: number): Promise<TargetState> =>
      stateAt(other.clickhouse, target, daysAgo(days), { tenant: 'acme' });
    expect(await state(31)).toMatchObject({ existence: 'unknown', certain: false });
    expect(await state(29)).toMatchObject({ existence: 'exists', certain: true, record: { a: 1 } });
  });

  it('takes events of one microsecond in the order of the log, and each once', async () => {
    const target = { type: 'contact', id: 'same-instant' };
    const steps = Array.from({ length: 20 }, (_, n) =>
      event({
        target,
        occurredAt: at(0),
        changes: n === 0 ? changesBetween(undefined, { n }) : changesBetween({ n: n - 1 }, { n }),
        ...(n === 0 ? { type: 'contact.created', operation: 'create' } : {}),
      }),
    );
    await store(...steps);
    await store(...steps.slice(3, 5));
    const { record, certain, events } = await stateAt(clickhouse, target, 'now', {
      tenant: 'acme',
    });
    expect([record, certain, events]).toEqual([{ n: 19 }, true, 20]);
  });

  it('a target belongs to one tenant, and an id of two is refused until one is named', async () => {
    const target = { type: 'contact', id: 'everywhere' };
    const changes = changesBetween(undefined, { name: 'Ada' });
    const born = { type: 'contact.created', operation: 'create', target, changes } as const;
    await store(event({ ...born, occurredAt: at(0) }));
    const asking = { tenant: EVERY_TENANT } as const;
    expect(await stateAt(clickhouse, target, 'now', asking)).toMatchObject({ tenant: 'acme' });
    await store(event({ ...born, occurredAt: at(1), tenant: 'globex' }));
    await expect(stateAt(clickhouse, target, 'now', asking)).rejects.toMatchObject({
      code: 'TARGET_AMBIGUOUS',
    });
    const one = await stateAt(clickhouse, target, 'now', { tenant: 'globex' });
    expect(one).toMatchObject({ tenant: 'globex', events: 1 });
    const none = await stateAt(clickhouse, { type: 'contact', id: 'nobody' }, 'now', asking);
    expect(none).toMatchObject({ existence: 'unknown', certain: false, events: 0 });
    await expect(stateAt(clickhouse, target, 'someday', asking)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('a history has the events of children, and their changes are not the parent’s', async () => {
    const app = { type: 'app', id: 'app-7' };
    const born = event({
      type: 'app.created',
      category: 'app',
      operation: 'create',
      target: app,
      occurredAt: at(0),
      changes: changesBetween(undefined, { region: 'eu' }),
    });
    const child = event({
      type: 'app.env_var.created',
      category: 'app',
      operation: 'create',
      target: { type: 'env_var', id: 'ev_1' },
      related: [{ role: 'parent', ...app }],
      occurredAt: at(1),
      changes: changesBetween(undefined, { key: 'PORT' }),
    });
    const stranger = event({
      target: { type: 'env_var', id: 'ev_2' },
      related: [{ role: 'subject', ...app }],
      occurredAt: at(2),
    });
    await store(born, child, stranger);
    const ids: string[] = [];
    for await (const { events } of history(clickhouse, app, { tenant: 'acme', pageSize: 1 })) {
      ids.push(...events.map(({ id }) => id));
    }
    expect(ids).toEqual([born.id, child.id]);
    const state = await stateAt(clickhouse, app, 'now', { tenant: 'acme' });
    expect(state).toMatchObject({ record: { region: 'eu' }, certain: true, events: 1 });
  });

  it('lists what was created, or changed, and not deleted, at a time', async () => {
    const tenant = 'inventory';
    const about = (id: string, second: number, fields: Partial<AuditEvent>) =>
      event({ tenant, target: { type: 'contact', id }, occurredAt: at(second), ...fields });
    const born = (id: string) =>
      about(id, 0, {
        type: 'contact.created',
        operation: 'create',
        changes: changesBetween(undefined, { id }),
      });
    const gone = { type: 'contact.deleted', operation: 'delete' } as const;
    await store(
      born('kept'),
      born('gone'),
      about('gone', 10, gone),
      about('old', 5, { changes: [{ op: 'replace', path: '/a', old: 1, new: 2 }] }),
      about('read', 5, { type: 'contact.viewed', operation: 'read' }),
      born('denied'),
      about('denied', 6, { ...gone, outcome: 'denied' }),
    );
    const ids = async (when: string) =>
      (await inventoryOf('contact', when, tenant)).map((state) => state.target.id);
    expect(await ids(at(20))).toEqual(['denied', 'kept', 'old']);
    expect(await ids(at(9))).toEqual(['denied', 'gone', 'kept', 'old']);
    // What was changed had been there, for as long as no event of it can have expired.
    expect(await ids(at(-9))).toEqual(['old']);
    const [, , old] = await inventoryOf('contact', 'now', tenant);
    expect(old).toMatchObject({ record: { a: 2 }, certain: false });
  });

  it('leaves a stream of targets that nobody reads on', async () => {
    for await (const { target } of inventory(clickhouse, 'record', 'now', { tenant: 'acme' })) {
      expect(target.id).toBe('r_00');
      break;
    }
    const signal = AbortSignal.abort(new Error('enough'));
    const aborted = inventory(clickhouse, 'record', 'now', { tenant: 'acme', signal });
    await expect(aborted.next()).rejects.toThrowError('enough');
  });
});

describe('R-ASK-02: undo in the ledger', () => {
  const options = { tenant: 'acme', actor };
  const target = { type: 'contact', id: 'undone' };
  const states = [
    { n: 1, l: ['a'] },
    { n: 2, l: ['a'] },
    { n: 2, l: ['a', 'b'] },
    { n: 3, l: ['b'] },
  ];
  const life = states.map((state, index) =>
    event({
      target: { ...target, name: 'Ada' },
      occurredAt: at(index * 10),
      changes: changesBetween(index === 0 ? undefined : states[index - 1], state),
      ...(index === 0 ? { type: 'contact.created', operation: 'create' } : {}),
    }),
  );

  /** What `ledgerline emit` makes of the line, stored as the next event. */
  async function emitted(line: unknown, second: number): Promise<void> {
    const defaults = {
      service: 'cli',
      tenant: 'default',
      catalog: builtInCatalog,
      producer: { id: uuidv7(), nextSeq: () => 1 },
      newId: uuidv7,
      now: () => new Date((START + second * SECOND) / 1000),
    };
    const read = eventOfLine(Buffer.from(JSON.stringify(line)), defaults);
    if (!read.ok) throw new Error(read.reason);
    await store(read.event);
  }

  it('goes back to every earlier state, by an event that emit takes', async () => {
    await store(...life);
    let second = 100;
    for (const index of [2, 0, 3, 1]) {
      const { event: line, changes } = await undo(
        clickhouse,
        { target, to: at(index * 10) },
        options,
      );
      expect(line).toMatchObject({ type: 'contact.updated', tenant: 'acme', target, changes });
      await emitted(line, second);
      const now = await stateAt(clickhouse, target, 'now', options);
      expect(now).toMatchObject({ record: states[index], certain: true });
      second += 10;
    }
    expect(await undo(clickhouse, { target, to: 'now' }, options)).toMatchObject({ changes: [] });
    const before = await undo(
      clickhouse,
      { target, to: at(-1) },
      { ...options, type: 'contact.deleted' },
    );
    expect(before.event).toMatchObject({ type: 'contact.deleted', operation: 'delete' });
    await emitted(before.event, second);
    const gone = await stateAt(clickhouse, target, 'now', options);
    expect(gone).toMatchObject({ existence: 'deleted', certain: true });
    const again = await undo(clickhouse, { target, to: at(30) }, options);
    expect(again.event).toMatchObject({ type: 'contact.created', operation: 'create' });
    await emitted(again.event, second + 10);
    expect((await stateAt(clickhouse, target, 'now', options)).record).toEqual(states[3]);
  });

  it('undoes one event, and refuses when a later one changed the same', async () => {
    const other = { type: 'contact', id: 'undone-2' };
    const events = life.slice(0, 3).map((one) => event({ ...one, id: uuidv7(), target: other }));
    await store(...events);
    const [, number, list] = events as [AuditEvent, AuditEvent, AuditEvent];
    const found = await undo(clickhouse, { event: number.id }, options);
    expect(found).toMatchObject({
      undoes: { id: number.id },
      changes: [{ op: 'replace', path: '/n', old: 2, new: 1 }],
      event: { reason: `Undoes ${number.id}.` },
    });
    const later = event({
      target: other,
      occurredAt: at(50),
      changes: changesBetween({ n: 2 }, { n: 9 }),
    });
    await store(later);
    const refused: unknown = await undo(clickhouse, { event: number.id }, options).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(UndoRefused);
    expect(refused).toMatchObject({ conflicts: [{ event: { id: later.id }, paths: ['/n'] }] });
    expect((await undo(clickhouse, { event: list.id }, options)).changes).toEqual([
      { op: 'remove', path: '/l/1', old: 'b' },
    ]);
    await expect(undo(clickhouse, { event: uuidv7() }, options)).rejects.toMatchObject({
      code: 'UNDO_REFUSED',
    });
  });

  it('refuses to guess what has expired', async () => {
    const old = { type: 'contact', id: 'old' };
    await store(
      event({ target: old, occurredAt: at(0), changes: changesBetween({ a: 1 }, { a: 2 }) }),
      event({ target: old, occurredAt: at(10), changes: [{ op: 'add', path: '/b', new: 1 }] }),
    );
    const refused = (to: Moment) =>
      undo(clickhouse, { target: old, to }, options).catch((e: unknown) => e);
    const long = new Date(Date.now() - 91 * 86_400_000);
    expect(await refused(long)).toMatchObject({ code: 'UNDO_REFUSED' });
    // What later events tell is no guess.
    expect((await undo(clickhouse, { target: old, to: at(5) }, options)).changes).toEqual([
      { op: 'remove', path: '/b', old: 1 },
    ]);
    await store(
      event({
        target: old,
        occurredAt: at(12),
        changes: [{ op: 'replace', path: '/c', old: '[masked]', new: 3 }],
      }),
    );
    expect(await refused(at(5))).toMatchObject({ unknown: [{ path: '/c', why: 'beginning' }] });
    await store(
      event({ target: old, occurredAt: at(20), changes: changesBetween({ a: 2 }, { a: 3 }) }),
    );
    expect((await undo(clickhouse, { target: old, to: at(15) }, options)).changes).toEqual([
      { op: 'replace', path: '/a', old: 3, new: 2 },
    ]);
  });
});
