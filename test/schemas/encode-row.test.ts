import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  COLUMNS,
  decodeRow,
  encodeRow,
  LedgerlineError,
  MAX_MESSAGE_BYTES,
  wireRowSchema,
  type AuditEvent,
} from '../../schemas/index.ts';
import { arbitraryEvent } from './arbitrary-event.ts';
import { BARE, WHOLE } from './event-fixture.ts';
import { referenceRow } from './reference-encoder.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The row as the table would see it: valid UTF-8, one object, within the limit, as the schema says. */
function rowOf(event: AuditEvent): Record<string, unknown> {
  const bytes = encodeRow(event);
  expect(bytes.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  const row = JSON.parse(utf8.decode(bytes)) as Record<string, unknown>;
  expect(wireRowSchema.safeParse(row).error?.issues).toBeUndefined();
  return row;
}

/** Callers without types hand over anything. */
const wrong = (fields: Record<string, unknown>): AuditEvent => ({ ...BARE, ...fields });
const dataOf = (data: unknown): unknown => rowOf(wrong({ data }))['data'];

describe('R-REC-01: an event becomes one row and comes back', () => {
  test('every producer column is written, in the order of the table', () => {
    const expected = COLUMNS.filter(({ source }) => source === 'producer').map(({ name }) => name);
    expect(Object.keys(rowOf(WHOLE))).toEqual(expected);
  });

  test('the whole event comes back as it went in, microseconds and JSON kinds included', () => {
    expect(decodeRow(encodeRow(WHOLE))).toEqual(WHOLE);
    expect(decodeRow(encodeRow(BARE))).toEqual(BARE);
  });

  test('what is absent is not sent: never null, never an empty string', () => {
    expect(Object.values(rowOf(BARE))).not.toContain(null);
    expect(rowOf({ ...BARE, reason: '', data: {}, changes: [], attributes: {} })).toEqual(
      rowOf(BARE),
    );
    const nulls = wrong({ target: null, data: null, changes: null, sourceIp: null, policy: null });
    expect(rowOf(nulls)).toEqual(rowOf(BARE));
  });

  test('property: any event agrees with the plain encoder and survives the round trip', () => {
    fc.assert(
      fc.property(arbitraryEvent, (event) => {
        expect(rowOf(event)).toEqual(referenceRow(event));
        expect(decodeRow(encodeRow(event))).toEqual(event);
      }),
      { numRuns: 300 },
    );
  });

  test('"5" and 5, null and nothing stay apart in changes', () => {
    const changes = rowOf(WHOLE)['changes'];
    expect(changes).toMatchObject([
      { old: '"5"', new: '5' },
      { new: '{"a":[1,null,"ü"]}' },
      { old: 'null' },
    ]);
  });

  test('a row of the ledger, where absence is a default and data is text, is read the same', () => {
    const stored = {
      ...rowOf(BARE),
      occurred_at: '2026-11-22 10:00:00.000000',
      source_ip: '::',
      producer_id: '00000000-0000-0000-0000-000000000000',
      producer_seq: '0',
      trace_id: '00000000-0000-0000-0000-000000000000',
      target_type: '',
      changes: [],
      data: '',
      attributes: {},
      weight: 1,
      kafka_offset: '17',
    };
    expect(decodeRow(stored)).toEqual(BARE);
    expect(decodeRow({ ...stored, data: '{"a":1}', producer_seq: '7' }).data).toEqual({ a: 1 });
  });
});

describe('addresses, instants and trace ids take the form of their column', () => {
  test.each([
    ['203.0.113.7', '::ffff:203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
  ])('%s is sent as %s', (sourceIp, wire) => {
    expect(rowOf({ ...BARE, sourceIp })['source_ip']).toBe(wire);
    expect(decodeRow(encodeRow({ ...BARE, sourceIp })).sourceIp).toBe(sourceIp);
  });

  test.each(['unix:/run/app.sock', 'fe80::1%eth0', '999.1.1.1'])(
    '%s is kept as attribute',
    (from) => {
      const row = rowOf({ ...BARE, sourceIp: from, attributes: { 'source.address': 'other' } });
      expect(row['source_ip']).toBeUndefined();
      expect(row['attributes']).toEqual({ 'source.address': from });
    },
  );

  test('a trace id that is none is kept as attribute', () => {
    const row = rowOf({ ...BARE, traceId: 'xyz' });
    expect(row['trace_id']).toBeUndefined();
    expect(row['attributes']).toEqual({ 'ledger.unmapped.trace_id': 'xyz' });
  });
});

test.each([0, 0.5, -1, Number.NaN, Infinity])(
  'a weight of %s, which no row may have, is left out',
  (weight) => {
    expect(rowOf({ ...BARE, policy: { weight } })['weight']).toBeUndefined();
  },
);

describe('hostile values become something that parses', () => {
  test('each kind as docs/event.md says', () => {
    class Point {
      x = 1;
      get length(): number {
        return 2;
      }
    }
    const given = {
      bigint: 2n ** 70n,
      nan: Number.NaN,
      infinite: -Infinity,
      minusZero: -0,
      lone: 'a\ud800b',
      date: new Date(0),
      invalidDate: new Date(Number.NaN),
      undefined: undefined,
      function: () => 1,
      symbol: Symbol('s'),
      list: [undefined, () => 1, null],
      map: new Map([['k', new Set([1])]]),
      pairs: new Map<unknown, unknown>([[1, 'one']]),
      bytes: Buffer.from('hi'),
      floats: new Float32Array([0]),
      error: Object.assign(new Error('broke'), { code: 'E1', stack: 'secret' }),
      regexp: /a"b/g,
      boxed: new String('s'),
      instance: new Point(),
      url: new URL('https://example.com/'),
    };
    expect(dataOf(given)).toEqual({
      bigint: '1180591620717411303424',
      nan: 'NaN',
      infinite: '-Infinity',
      minusZero: 0,
      lone: 'a\ufffdb',
      date: '1970-01-01T00:00:00.000Z',
      invalidDate: '[invalid date]',
      list: [null, null, null],
      map: { k: [1] },
      pairs: [[1, 'one']],
      bytes: 'base64:aGk=',
      floats: 'base64:AAAAAA==',
      error: { name: 'Error', message: 'broke', code: 'E1' },
      regexp: '/a"b/g',
      boxed: 's',
      instance: { x: 1 },
      url: 'https://example.com/',
    });
  });

  test('cycles, however they are made, end', () => {
    const knot: Record<string, unknown> = { name: 'knot' };
    knot['self'] = knot;
    knot['list'] = [knot];
    const endless = { toJSON: (): unknown => ({ next: { toJSON: endless.toJSON } }) };
    expect(dataOf(knot)).toEqual({ name: 'knot', self: '[circular]', list: ['[circular]'] });
    expect(JSON.stringify(dataOf({ endless }))).toContain('[truncated]');
  });

  test('what throws costs its own field', () => {
    const data = {
      fine: 1,
      get broken(): never {
        throw new Error('no');
      },
      json: {
        toJSON(): never {
          throw new Error('no');
        },
      },
      revoked: revokedProxy(),
      trapped: new Proxy({}, { ownKeys: () => fail() }),
    };
    expect(dataOf(data)).toEqual({
      fine: 1,
      broken: '[threw]',
      json: '[threw]',
      revoked: '[threw]',
      trapped: '[threw]',
    });
  });

  test('a toJSON that lies about its kind leaves data an object', () => {
    expect(dataOf({ toJSON: () => 'text' })).toEqual({ value: 'text' });
    expect(dataOf({ toJSON: () => undefined })).toEqual({ value: null });
    expect(dataOf([1, 2])).toEqual({ value: [1, 2] });
  });

  test('what should be a text and is an object is read each time', () => {
    const odd = { days: 1 };
    const event = wrong({ retentionClass: odd });
    expect(rowOf(event)).toMatchObject({ retention_class: '{"days":1}' });
    odd.days = 2;
    expect(rowOf(event)).toMatchObject({ retention_class: '{"days":2}' });
  });

  test('__proto__ is a key like any other', () => {
    const data = JSON.parse('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    const back = decodeRow(encodeRow({ ...BARE, data, attributes: { constructor: 'x' } }));
    expect(Object.keys(back.data ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  test('the containers themselves may be hostile: the rest of the event is kept', () => {
    const row = rowOf(
      wrong({
        message: 'kept',
        related: new Proxy([], { get: () => fail() }),
        changes: [
          {
            op: 'replace',
            path: '/a',
            get old() {
              return fail();
            },
            new: 1,
          },
        ],
        attributes: new Proxy({}, { ownKeys: () => fail() }),
      }),
    );
    expect(row).toMatchObject({ message: 'kept', changes: [{ path: '/a', new: '1' }] });
    expect(row['attributes']).toEqual({ 'ledger.unreadable': 'related,changes,attributes' });
  });

  test('a getter that itself encodes an event does not disturb the outer one', () => {
    const data = {
      before: 1,
      get inner(): string {
        return encodeRow(BARE).toString();
      },
      after: 2,
    };
    expect(dataOf(data)).toEqual({ before: 1, inner: encodeRow(BARE).toString(), after: 2 });
  });

  test('property: anything at all as data, changes and attributes gives a valid row', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    fc.assert(
      fc.property(anything, anything, fc.string({ unit: 'binary' }), (a, b, text) => {
        const row = rowOf(
          wrong({
            data: { a },
            execution: b,
            changes: [{ op: a, path: text, old: a, new: b }],
            attributes: { [text]: a },
            related: a,
            message: b,
            reason: text,
            actor: { type: 'user', id: 'u', name: text },
            sourceIp: a,
            traceId: b,
            error: { code: text, message: a },
          }),
        );
        expect(row['event_id']).toBe(BARE.id);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an event that is too large is cut and says so', () => {
  const cutsOf = (event: AuditEvent): Record<string, number> => {
    const { attributes } = rowOf(event) as { attributes: Record<string, string> };
    return JSON.parse(attributes['ledger.truncated'] ?? '{}') as Record<string, number>;
  };

  test('5 MB of text in data: data is cut, its size is told, the rest is whole', () => {
    const event = { ...WHOLE, data: { log: 'x'.repeat(5_000_000) } };
    expect(cutsOf(event)).toEqual({
      data: expect.toSatisfy((size: number) => size >= 5_000_000) as number,
    });
    expect(decodeRow(encodeRow(event))).toMatchObject({
      changes: WHOLE.changes,
      reason: WHOLE.reason,
    });
  });

  test('the largest fields are cut, to one size; smaller ones stay whole', () => {
    const event = {
      ...BARE,
      execution: { output: 'o'.repeat(400_000) },
      data: { log: 'd'.repeat(300_000) },
      message: 'm'.repeat(20_000),
    };
    const row = rowOf(event) as {
      execution: { output: string };
      data: { log: string };
      message: string;
    };
    expect(Object.keys(cutsOf(event)).toSorted()).toEqual(['data', 'execution']);
    expect(row.message).toBe(event.message);
    expect(row.execution.output.length).toBeGreaterThan(100_000);
    expect(Math.abs(row.execution.output.length - row.data.log.length)).toBeLessThan(100);
  });

  test.each<[string, Record<string, unknown>]>([
    [
      'control characters everywhere',
      { data: { a: '\u0000'.repeat(5e6) }, message: '\u0001'.repeat(5e6) },
    ],
    [
      'an actor of megabytes',
      { actor: { type: 'user', id: 'é'.repeat(1e6), name: '\u0000'.repeat(1e6) } },
    ],
    ['10,000 levels', { data: nested(10_000) }],
    ['an array of four thousand million holes', { data: { list: Array(4e9) } }],
    ['a million members without a value', { data: { none: holes(1e6) } }],
    ['100,000 attributes', { attributes: keys(100_000) }],
    ['100,000 changes', { changes: Array(100_000).fill({ op: 'add', path: '/a', new: 'b' }) }],
    ['100,000 parties', { related: Array(100_000).fill({ role: 'r', type: 't', id: 'i' }) }],
    ['bytes', { data: { core: Buffer.alloc(3_000_000) } }],
    ['a value that doubles at each level', { data: doubled(60) }],
  ])('%s', (_, fields) => {
    const start = performance.now();
    expect(Object.keys(cutsOf(wrong(fields)))).not.toEqual([]);
    // Five such events a second must not stop a service; usually it is a tenth of this.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('an event that is no event is refused, by column', () => {
  test.each<[string, Record<string, unknown>]>([
    ['event_id', { id: 'not-a-uuid' }],
    ['event_type', { type: '' }],
    ['event_version', { version: 0 }],
    ['operation', { operation: 'constructor' }],
    ['outcome', { outcome: undefined }],
    ['occurred_at', { occurredAt: new Date(Number.NaN) }],
    ['occurred_at', { occurredAt: '2026-02-30T10:00:00.000000Z' }],
    ['occurred_at', { occurredAt: '2526-02-01T10:00:00.000000Z' }],
    ['actor_type', { actor: undefined }],
    ['actor_id', { actor: { type: 'user' } }],
    ['service', { service: undefined }],
    ['producer_seq', { producer: { id: BARE.id, seq: -1 } }],
  ])('%s', (column, fields) => {
    const attempt = (): unknown => encodeRow(wrong(fields));
    expect(attempt).toThrow(LedgerlineError);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'EVENT_INVALID',
        message: expect.stringContaining(column) as string,
      }),
    );
  });

  test.each(['', 'nonsense {', '[]', '7', 'null', '{"wire_version":1}'])(
    'decodeRow refuses %s',
    (text) => {
      expect(() => decodeRow(text)).toThrow(expect.objectContaining({ code: 'ROW_INVALID' }));
    },
  );
});

function fail(): never {
  throw new Error('hostile');
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function nested(levels: number): object {
  let value = {};
  for (let level = 0; level < levels; level++) value = { down: value };
  return value;
}

function doubled(levels: number): object {
  let value = {};
  for (let level = 0; level < levels; level++) value = { left: value, right: value };
  return value;
}

const keys = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key.${index}`, 'v']));

const holes = (count: number): Record<string, undefined> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, undefined]));
