import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { changesBetween } from '../../../producers/index.ts';
import { Hindsight } from '../../../clickhouse/history/hindsight.ts';
import { Rebuilding } from '../../../clickhouse/history/rebuilding.ts';
import { isWhole, jsonOf, type Node } from '../../../clickhouse/history/record-tree.ts';
import { stateOf } from '../../../clickhouse/history/state.ts';
import { wayBack } from '../../../clickhouse/history/going-back.ts';
import { applyChanges } from '../../../schemas/changes/apply-changes.ts';
import { namesOf } from '../../../schemas/json-pointer.ts';
import { plainOf } from '../../../schemas/plain-value.ts';
import type { AuditEvent } from '../../../schemas/index.ts';
import { created, deleted, told } from './story.ts';

vi.setConfig({ testTimeout: 60_000 });

const NO_LIMIT = { maxChanges: 1e6, maxValueBytes: 1e9 };

function stateAfter(...events: readonly AuditEvent[]) {
  const rebuilding = new Rebuilding();
  for (const event of events) rebuilding.take(event);
  const target = { type: 'contact', id: 'c_1' };
  return stateOf(rebuilding, { target, tenant: 'acme', before: Date.UTC(2027, 0) * 1000 });
}

/** The state after the first of some events, with what the others tell of it. */
function stateWithin(events: readonly AuditEvent[], taken: number, isCovered = true) {
  const rebuilding = new Rebuilding();
  for (const event of events.slice(0, taken)) rebuilding.take(event);
  const hindsight = new Hindsight(rebuilding, isCovered);
  for (const event of events.slice(taken)) hindsight.take(event);
  const target = { type: 'contact', id: 'c_1' };
  const before = Date.UTC(2027, 0) * 1000;
  return stateOf(rebuilding, { target, tenant: 'acme', before, hindsight });
}

const field = fc.constantFrom('a', 'b', 'c', 'd/e', '~f', '__proto__', '', '0', '1');
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(0, 1, -0.5, 'x', '', true, false, null),
    fc.dictionary(field, tie('value'), { maxKeys: 5 }),
    fc.array(tie('value'), { maxLength: 5 }),
  ),
})).value;
const record = fc.dictionary(field, value, { maxKeys: 6 });
/** Lists by key as well: items then move. */
const options = fc.constantFrom({ ...NO_LIMIT }, { ...NO_LIMIT, arrays: 'a' });

/** What a JSON Pointer leads to. */
const valueAt = (record: unknown, path: string): unknown =>
  (namesOf(path) ?? []).reduce<unknown>(
    (inside, name) =>
      typeof inside === 'object' && inside !== null && Object.hasOwn(inside, name)
        ? (inside as Record<string, unknown>)[name]
        : undefined,
    record,
  );

describe('R-ASK-02: the state of a record', () => {
  test('every intermediate state of random edits through the SDK is rebuilt exactly, and led back to', () => {
    const first = record.filter((one) => Object.keys(one).length > 0);
    fc.assert(
      fc.property(first, fc.array(record, { maxLength: 6 }), options, (begun, edits, how) => {
        const states = [begun, ...edits];
        const rebuilding = new Rebuilding();
        const kept = states.map((state, index) => {
          const changes = changesBetween(index === 0 ? {} : states[index - 1], state, how);
          rebuilding.take(index === 0 ? created({ changes }) : told({ changes }));
          expect(jsonOf(rebuilding.record as Node)).toEqual(plainOf(state).value);
          expect(isWhole(rebuilding.record as Node)).toBe(true);
          return rebuilding.record;
        });
        expect(rebuilding.gaps.filter(({ kind }) => kind !== 'untold')).toEqual([]);
        for (const [index, then] of kept.entries()) {
          const { changes, unknown } = wayBack(rebuilding.record, then);
          expect(unknown).toEqual([]);
          expect(applyChanges(states.at(-1), changes)).toEqual(plainOf(states[index]).value);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('from a whole record at creation, also of what is no object', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 6 }), (states) => {
        const events = states.map((state, index) => {
          const changes = changesBetween(
            index === 0 ? undefined : states[index - 1],
            state,
            NO_LIMIT,
          );
          return index === 0 ? created({ changes }) : told({ changes });
        });
        const state = stateAfter(...events);
        expect(state.record).toEqual(plainOf(states.at(-1)).value);
        expect(state).toMatchObject({ existence: 'exists', unknown: [] });
      }),
      { numRuns: 100 },
    );
  });

  test('what is known of a record whose beginning is gone never contradicts the record', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 3, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        options,
        (states, lost, how) => {
          const events = states.map((state, index) =>
            told({ changes: changesBetween(index === 0 ? {} : states[index - 1], state, how) }),
          );
          const state = stateAfter(...events.slice(Math.min(lost, events.length - 1)));
          const truth = plainOf(states.at(-1)).value;
          for (const { path, certain, absent } of state.fields) {
            if (!certain) continue;
            const told = absent === true ? undefined : valueAt(state.record, path);
            expect(told).toEqual(valueAt(truth, path));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('R-ASK-02: a record whose beginning is gone, and what later events tell of it', () => {
  /** Without lists, and without names that could be places in lists: those may have moved. */
  const plain = fc.constantFrom('a', 'b', 'c', 'd/e', '~f', '__proto__', '');
  const flat = fc.dictionary(
    plain,
    fc.oneof(fc.constantFrom(0, 'x', null), fc.dictionary(plain, fc.nat({ max: 2 }))),
    { maxKeys: 6 },
  );

  test('no intermediate state ever contradicts the record, whatever comes later', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 3, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        options,
        (states, lost, ends, how) => {
          const cut = Math.min(lost, states.length - 1);
          const lasting = states.slice(cut);
          const events = lasting.map((state, index) =>
            told({ changes: changesBetween(states[cut + index - 1], state, how) }),
          );
          if (ends) {
            const changes = changesBetween(states.at(-1), undefined, NO_LIMIT);
            events.push(deleted({ changes }));
          }
          for (let taken = 0; taken <= lasting.length; taken += 1) {
            const state = stateWithin(events, taken);
            const truth = plainOf(states[cut + taken - 1]).value;
            for (const { path, certain, absent } of state.fields) {
              if (!certain) continue;
              const found = absent === true ? undefined : valueAt(state.record, path);
              expect(found).toEqual(valueAt(truth, path));
            }
            expect(state.certain ? state.record : truth).toEqual(truth);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('where it is told as a whole in the end, every intermediate state is rebuilt exactly', () => {
    fc.assert(
      fc.property(fc.array(flat, { minLength: 2, maxLength: 8 }), (edits) => {
        // An update that names no changes would hide what it changed.
        const states = edits.filter(
          (state, index) => index === 0 || changesBetween(edits[index - 1], state).length > 0,
        );
        const events = states
          .slice(1)
          .map((state, index) => told({ changes: changesBetween(states[index], state, NO_LIMIT) }));
        events.push(deleted({ changes: changesBetween(states.at(-1), undefined, NO_LIMIT) }));
        for (const [taken, truth] of states.entries()) {
          const state = stateWithin(events, taken);
          expect(state).toMatchObject({ existence: 'exists', certain: true, unknown: [] });
          expect(state.record).toEqual(plainOf(truth).value);
        }
      }),
      { numRuns: 200 },
    );
  });

  const phone = (old: string, now: string) =>
    told({ changes: [{ op: 'replace', path: '/phone', old, new: now }] });
  const name = told({ changes: [{ op: 'add', path: '/name', new: 'Ada' }] });

  test('a later change tells what had been there until then, and since when it is certain', () => {
    const [first, second] = [name, phone('1', '2')];
    const gone = deleted({
      changes: [{ op: 'remove', path: '', old: { name: 'Ada', phone: '2' } }],
    });
    expect(stateWithin([first, second], 1)).toMatchObject({
      existence: 'exists',
      record: { name: 'Ada', phone: '1' },
      certain: false,
      fields: [
        { path: '/name', certain: true, since: { id: first.id } },
        { path: '/phone', certain: true, until: { id: second.id } },
      ],
      unknown: [{ path: '', why: 'beginning', others: true }],
    });
    expect(stateWithin([first, second, gone], 1)).toMatchObject({
      record: { name: 'Ada', phone: '1' },
      certain: true,
      certainSince: first.occurredAt,
      unknown: [],
    });
    expect(stateWithin([first, second, gone], 0)).toMatchObject({
      record: { phone: '1' },
      certain: true,
    });
    // Events that have expired may lie in between.
    expect(stateWithin([first, second, gone], 0, false)).toMatchObject({ existence: 'unknown' });
  });

  test('nothing is learnt past what no event tells', () => {
    const known = (...later: AuditEvent[]) => stateWithin([name, ...later], 1).record;
    const change = phone('1', '2');
    expect(known(change)).toEqual({ name: 'Ada', phone: '1' });
    for (const between of [
      told(),
      told({ policy: { weight: 5 }, changes: [{ op: 'add', path: '/x', new: 1 }] }),
      told({ policy: { level: 'failures_only' }, outcome: 'failure' }),
      told({ outcome: 'unknown', changes: [{ op: 'remove', path: '/x', old: 1 }] }),
      told({ changes: [{ op: 'replace', path: '/name', old: 'Bo', new: 'Cy' }] }),
      created({ changes: [{ op: 'add', path: '/phone', new: '1' }] }),
      told({ operation: 'execute', changes: [{ op: 'add', path: '', new: { phone: '1' } }] }),
      told({ changes: [{ op: 'replace', path: '/phone', old: '[masked]', new: '1' }] }),
    ]) {
      expect(known(between, change)).toEqual({ name: 'Ada' });
    }
    // What did not come to pass, and what only reads, is in nobody's way.
    const harmless = [told({ outcome: 'denied' }), told({ operation: 'read' })];
    expect(known(...harmless, change)).toEqual({ name: 'Ada', phone: '1' });
    // A contradiction found later takes back what was learnt.
    const other = told({ changes: [{ op: 'remove', path: '/name', old: 'Bo' }] });
    expect(known(change, other)).toEqual({ name: 'Ada' });
  });
});

describe('R-ASK-02: what is not known is said', () => {
  const whole = (record: unknown) => ({ changes: changesBetween(undefined, record) });
  const was = { name: 'Ada', phone: '1', tags: ['a', 'b'], address: { city: 'Berlin' } };

  test('certain since its creation', () => {
    const first = created(whole(was));
    const state = stateAfter(
      first,
      told({ changes: changesBetween({ phone: '1' }, { phone: '2' }) }),
    );
    expect(state).toMatchObject({
      existence: 'exists',
      record: { ...was, phone: '2' },
      certain: true,
      certainSince: first.occurredAt,
      gapCount: 0,
    });
    expect(state.created?.id).toBe(first.id);
  });

  test('where the beginning has expired, field by field', () => {
    const change = told({ changes: changesBetween({ phone: '1' }, { phone: '2' }) });
    expect(stateAfter(change)).toMatchObject({
      existence: 'exists',
      record: { phone: '2' },
      certain: false,
      fields: [{ path: '/phone', certain: true, since: { id: change.id } }],
      unknown: [{ path: '', why: 'beginning', others: true }],
    });
  });

  test('an event that holds the record whole makes it certain again', () => {
    const change = told({ changes: changesBetween({ phone: '1' }, { phone: '2' }) });
    const snapshot = told({ type: 'contact.checked', operation: 'execute', ...whole(was) });
    expect(stateAfter(change, snapshot)).toMatchObject({
      record: was,
      certain: true,
      certainSince: snapshot.occurredAt,
      unknown: [],
    });
  });

  test('a deleted record is gone, and one made again is another', () => {
    const gone = stateAfter(created(whole(was)), deleted());
    expect(gone).toMatchObject({ existence: 'deleted', certain: true });
    expect(gone.record).toBeUndefined();
    const again = stateAfter(created(whole(was)), deleted(), created(whole({ name: 'Bo' })));
    expect(again).toMatchObject({ existence: 'exists', record: { name: 'Bo' }, certain: true });
  });

  test('what is granted to a user creates no user, and what failed changed nothing', () => {
    const granted = told({
      type: 'authorization.role.granted',
      category: 'authorization',
      operation: 'create',
      target: { type: 'user', id: 'u_1' },
    });
    expect(stateAfter(granted)).toMatchObject({ existence: 'exists', certain: false });
    expect(stateAfter(granted).created).toBeUndefined();
    const refused = deleted({ outcome: 'denied' });
    expect(stateAfter(created(whole(was)), refused)).toMatchObject({ record: was, certain: true });
  });

  test.each<[string, Partial<AuditEvent>, object[], unknown]>([
    [
      'a masked value',
      {
        changes: [{ op: 'replace', path: '/phone', old: '[masked]', new: '[masked]' }],
        attributes: { 'ledger.redacted': '["/changes/phone"]' },
      },
      [{ path: '/phone', why: 'redacted' }],
      { name: 'Ada', tags: ['a', 'b'], address: { city: 'Berlin' } },
    ],
    [
      'a hashed value within an object',
      {
        changes: [{ op: 'replace', path: '/address', new: { city: 'hmac-sha256:k:x', zip: '1' } }],
        attributes: { 'ledger.redacted': '["/changes/address/city"]' },
      },
      [{ path: '/address/city', why: 'redacted' }],
      { name: 'Ada', phone: '1', tags: ['a', 'b'], address: { zip: '1' } },
    ],
    [
      'a dropped value',
      {
        changes: [{ op: 'replace', path: '/address', new: { zip: '1' } }],
        attributes: { 'ledger.redacted': '["/changes/address/city"]' },
      },
      [{ path: '/address/city', why: 'redacted' }],
      { name: 'Ada', phone: '1', tags: ['a', 'b'], address: { zip: '1' } },
    ],
    [
      'a dropped item of a list',
      {
        changes: [{ op: 'replace', path: '/tags', new: ['c'] }],
        attributes: { 'ledger.redacted': '["/changes/tags/0"]' },
      },
      [{ path: '/tags', why: 'redacted' }],
      { name: 'Ada', phone: '1', address: { city: 'Berlin' } },
    ],
    [
      'an erased event',
      {
        changes: [{ op: 'replace', path: '/name', old: '[erased]', new: '[erased]' }],
        attributes: { 'ledger.erased': 'x' },
      },
      [{ path: '/name', why: 'erased' }],
      { phone: '1', tags: ['a', 'b'], address: { city: 'Berlin' } },
    ],
    [
      'a cut value',
      { changes: changesBetween({ name: 'Ada' }, { name: 'x'.repeat(99) }, { maxValueBytes: 20 }) },
      [{ path: '/name', why: 'truncated' }],
      { phone: '1', tags: ['a', 'b'], address: { city: 'Berlin' } },
    ],
    [
      'changes beyond the limit',
      { changes: changesBetween({}, { x: 1, y: 2 }, { maxChanges: 1 }) },
      [{ path: '', why: 'truncated' }],
      undefined,
    ],
    [
      'an event that was cut',
      {
        changes: [{ op: 'add', path: '/x', new: 1 }],
        attributes: { 'ledger.truncated': '{"changes":300000}' },
      },
      [{ path: '', why: 'truncated' }],
      undefined,
    ],
  ])('%s is unknown, and never the truth', (_, fields, unknown, known) => {
    const state = stateAfter(created(whole(was)), told(fields));
    expect(state.unknown).toMatchObject(unknown);
    expect(state.record).toEqual(known);
    expect(state.certain).toBe(false);
    // Until it is told.
    const told2 = told({ type: 'contact.checked', operation: 'execute', ...whole(was) });
    expect(stateAfter(created(whole(was)), told(fields), told2)).toMatchObject({ certain: true });
  });

  test('sampled changes, blind levels, silent updates and contradictions are gaps', () => {
    const change = changesBetween({ phone: '1' }, { phone: '2' });
    const base = created(whole(was));
    const kinds = (...events: AuditEvent[]) => {
      const { gaps, certain, fields } = stateAfter(base, ...events);
      return [certain, gaps.map(({ kind }) => kind), fields.filter((one) => one.certain).length];
    };
    expect(kinds(told({ changes: change, policy: { weight: 10 } }))).toEqual([
      false,
      ['sampled'],
      0,
    ]);
    expect(kinds(told({ operation: 'read', policy: { weight: 10 } }))).toEqual([true, [], 1]);
    const level = { policy: { level: 'failures_only' }, outcome: 'failure' } as const;
    expect(kinds(told(level))).toEqual([false, ['filtered'], 0]);
    expect(kinds(told())).toEqual([false, ['untold'], 0]);
    const wrong = told({ changes: changesBetween({ phone: '7' }, { phone: '8' }) });
    expect(kinds(wrong)).toEqual([false, ['contradicted'], 1]);
    expect(kinds(told({ outcome: 'unknown', changes: change }))).toEqual([false, ['outcome'], 0]);
  });

  test('a record that grows without end is refused', () => {
    const rebuilding = new Rebuilding();
    expect(() => {
      for (let n = 0; n < 100; n += 1) {
        rebuilding.take(
          told({ changes: [{ op: 'add', path: `/n${n}`, new: 'x'.repeat(200_000) }] }),
        );
      }
    }).toThrowError(expect.objectContaining({ code: 'RECORD_TOO_LARGE' }));
  });
});
