import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Expiry, judge } from '../../consumers/judge.ts';
import { topLevelFields } from '../../consumers/top-level-fields.ts';
import { WIRE_ROW } from './messages.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-23T00:00:00Z');
const DAYS: Readonly<Record<string, number>> = { standard: 90, protected: 400, archive: 3650 };
const expiry: Expiry = { nowMs: NOW, daysOf: (name) => DAYS[name] };

const verdictOf = (message: string | Buffer) => judge(Buffer.from(message), expiry);
const row = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({ ...WIRE_ROW, ...changes });
/** The row with one field's value as this text, which JSON.stringify would not write. */
const spelt = (key: string, text: string): string =>
  row({ [key]: '@@' }).replace('"@@"', () => text);
const occurred = (ms: number): Record<string, unknown> => ({
  occurred_at: new Date(ms).toISOString(),
});

describe('a row that the ledger takes', () => {
  it.each([
    ['whole', row()],
    ['with an IPv4 address, which the engine takes as it is', row({ source_ip: '10.1.2.3' })],
    ['with white space around and inside', ` ${JSON.stringify(WIRE_ROW, null, 2)}\n`],
    [
      'with no more than it must have',
      JSON.stringify({
        wire_version: 1,
        event_id: WIRE_ROW.event_id,
        event_type: 'a.b',
        category: 'c',
        occurred_at: WIRE_ROW.occurred_at,
        actor_type: 'system',
        actor_id: 'cron',
        service: 's',
      }),
    ],
    [
      'with half a surrogate pair in data, which is kept as it stands',
      row({ data: { a: '\ud800' } }),
    ],
    ['with the same key twice inside data', spelt('data', '{"a":1,"a":2}')],
    ['with a number in data that JavaScript rounds', spelt('data', '{"a":12345678901234567890}')],
    [
      'of a protected category in its class',
      row({ category: 'security', retention_class: 'protected' }),
    ],
    [
      'of a protected category in the archive',
      row({ category: 'ledger', retention_class: 'archive' }),
    ],
    ['one millisecond before it expires', row(occurred(NOW - 90 * DAY_MS + 1))],
    [
      'old, in a class that keeps it',
      row({ ...occurred(NOW - 3649 * DAY_MS), retention_class: 'archive' }),
    ],
    ['from a clock that is a day ahead', row(occurred(NOW + DAY_MS))],
  ])('is fine %s', (_, message) => {
    expect(verdictOf(message)).toEqual({ kind: 'fine' });
  });
});

describe('a row that the ledger does not take (R-DLV-02)', () => {
  const { event_id: _, ...withoutId } = WIRE_ROW;
  it.each([
    ['no JSON', 'hello', 'not_json', 'not valid JSON'],
    ['half a row', row().slice(0, 50), 'not_json', 'not valid JSON'],
    ['a raw NUL in a key', row().replace('event_id', 'ev\0nt_id'), 'not_json', 'not valid JSON'],
    ['an array', '[{}]', 'not_one_object', 'not a JSON object'],
    ['a number', '5', 'not_one_object', 'not a JSON object'],
    ['null', 'null', 'not_one_object', 'not a JSON object'],
    [
      'a key twice',
      `{"event_id":"x",${row().slice(1)}`,
      'duplicate_keys',
      '"event_id" stands twice',
    ],
    [
      'a key twice, once escaped',
      `{"event\\u005fid":"x",${row().slice(1)}`,
      'duplicate_keys',
      '"event_id"',
    ],
    [
      'an unknown key twice',
      `{"x":1,"x":1,${row().slice(1)}`,
      'duplicate_keys',
      '"x" stands twice',
    ],
    ['an offset of its own', row({ kafka_offset: 5 }), 'forged', '"kafka_offset"'],
    [
      'an escaped offset of its own',
      `{"kafka\\u005foffset":5,${row().slice(1)}`,
      'forged',
      '"kafka_offset"',
    ],
    [
      'a topic id of its own',
      row({ kafka_topic_id: WIRE_ROW.event_id }),
      'forged',
      '"kafka_topic_id"',
    ],
    ['a lease', row({ lease: 4_294_967_295 }), 'forged', '"lease"'],
    [
      'the time of its arrival',
      row({ ingested_at: WIRE_ROW.occurred_at }),
      'forged',
      '"ingested_at"',
    ],
    ['a future version', row({ wire_version: 2 }), 'future_version', 'wire_version 2'],
    [
      'a future version with keys of its own',
      row({ wire_version: 2, shape: 1 }),
      'future_version',
      '',
    ],
    ['version 0', row({ wire_version: 0 }), 'invalid', 'wire_version'],
    ['a missing field', JSON.stringify(withoutId), 'invalid', 'event_id: '],
    ['a field of another type', row({ actor_id: 17 }), 'invalid', 'actor_id: '],
    ['null for absent', row({ reason: null }), 'invalid', 'reason: '],
    ['an empty tenant', row({ tenant_id: '' }), 'invalid', 'tenant_id: '],
    ['a word that is no outcome', row({ outcome: 'maybe' }), 'invalid', 'outcome: '],
    ['an address that is none', row({ source_ip: 'gateway-7' }), 'invalid', 'source_ip: '],
    ['data that is no object', row({ data: 'x' }), 'invalid', 'data: '],
    [
      'a fault deep inside, with its path',
      row({
        changes: [
          { op: 'add', path: '/a' },
          { op: 'add', path: '/b', old: 5 },
        ],
      }),
      'invalid',
      'changes.1.old: ',
    ],
    [
      'an unknown key inside a tuple',
      row({ changes: [{ op: 'add', path: '/a', by: 'x' }] }),
      'invalid',
      'changes.0: ',
    ],
    [
      'attributes that are no map, beside unknown keys',
      row({ attributes: [1], shape: 1 }),
      'invalid',
      'attributes: ',
    ],
    [
      'the nil UUID',
      row({ event_id: '00000000-0000-0000-0000-000000000000' }),
      'invalid',
      'event_id: ',
    ],
    ['a weight under 1', row({ weight: 0.5 }), 'invalid', 'weight: '],
    ['an integer written as a fraction', spelt('producer_seq', '7.0'), 'invalid', 'producer_seq: '],
    [
      'an integer written with an exponent',
      spelt('wire_version', '1e0'),
      'invalid',
      'wire_version: ',
    ],
    ['minus zero', spelt('producer_seq', '-0'), 'invalid', 'producer_seq: '],
    ['half a surrogate pair', row({ actor_name: 'a\ud800b' }), 'invalid', 'actor_name: half'],
    [
      'half a surrogate pair in an attribute',
      row({ attributes: { k: '\udc00' } }),
      'invalid',
      'attributes: half',
    ],
    [
      'half a surrogate pair in the name of one',
      row({ attributes: { '\udc00': 'v' } }),
      'invalid',
      'attributes: half',
    ],
    [
      'a protected category in another class',
      row({ category: 'security' }),
      'invalid',
      'retention_class: ',
    ],
    [
      'a protected category, shortened on purpose',
      row({ category: 'ledger', retention_class: 'short' }),
      'invalid',
      'retention_class: ',
    ],
    [
      'a time before 1970',
      row({ occurred_at: '1969-12-31T23:59:59Z', retention_class: 'archive' }),
      'invalid',
      'occurred_at: ',
    ],
    ['a time more than a day ahead', row(occurred(NOW + DAY_MS + 1)), 'invalid', 'occurred_at: '],
    ['a local time', row({ occurred_at: '2026-11-22T10:00:00' }), 'invalid', 'occurred_at: '],
    ['90 days on the millisecond', row(occurred(NOW - 90 * DAY_MS)), 'expired', '90 days'],
    [
      '400 days in its class',
      row({ ...occurred(NOW - 400 * DAY_MS), category: 'security', retention_class: 'protected' }),
      'expired',
      '400 days',
    ],
    [
      'a class that the table does not know',
      row({ ...occurred(NOW), retention_class: 'x' }),
      'invalid',
      'retention_class: ',
    ],
  ])('%s', (_name, message, reason, words) => {
    const verdict = verdictOf(message);
    expect(verdict).toMatchObject({ kind: 'rejected', rejection: { reason } });
    expect(verdict.kind === 'rejected' && verdict.rejection.error).toContain(words);
  });

  it('never quotes a value, only names', () => {
    const secret = 'hunter2-hunter2';
    for (const key of Object.keys(WIRE_ROW)) {
      for (const value of [secret, { [secret]: secret }, [secret], -1]) {
        expect(JSON.stringify(verdictOf(row({ [key]: value })))).not.toContain(secret);
      }
    }
  });

  it('shows a foreign key cut short and without control characters', () => {
    const key = `\u001b[31m${'x'.repeat(500)}`;
    const text = `{${JSON.stringify(key)}:1,${JSON.stringify(key)}:1}`;
    const verdict = verdictOf(text);
    const error = verdict.kind === 'rejected' ? verdict.rejection.error : '';
    expect(error).not.toContain('\u001b');
    expect(error.length).toBeLessThan(120);
  });
});

describe('a row of a newer SDK', () => {
  const mendedOf = (message: string): Record<string, unknown> => {
    const verdict = verdictOf(message);
    if (verdict.kind !== 'mended') throw new Error(JSON.stringify(verdict));
    return JSON.parse(verdict.value.toString()) as Record<string, unknown>;
  };

  it('keeps what this version does not know, under attributes, as text', () => {
    const mended = mendedOf(row({ session: { id: [1, 'x'] }, mood: 'fine', score: 5, none: null }));
    expect(mended).toEqual({
      ...WIRE_ROW,
      attributes: {
        ...WIRE_ROW.attributes,
        'ledger.unmapped.session': '{"id":[1,"x"]}',
        'ledger.unmapped.mood': 'fine',
        'ledger.unmapped.score': '5',
        'ledger.unmapped.none': 'null',
      },
    });
  });

  it('changes nothing else, not even what JavaScript would round', () => {
    const verdict = verdictOf(
      spelt('data', '{ "a" : 12345678901234567890, "a":1.10 }').replace('{', '{"mood":1e400,'),
    );
    const text = verdict.kind === 'mended' ? verdict.value.toString() : '';
    expect(text).toContain('"data":{ "a" : 12345678901234567890, "a":1.10 }');
    expect(text).toContain('"ledger.unmapped.mood":"1e400"');
  });

  it('is refused all the same when what we do know is wrong', () => {
    expect(verdictOf(row({ mood: 1, actor_id: 5 })).kind).toBe('rejected');
  });

  it('ends in its closing brace, where the worker splices', () => {
    const verdict = verdictOf(` ${row({ mood: 1 })} `);
    expect(verdict.kind === 'mended' && verdict.value.at(-1)).toBe(0x7d);
  });
});

describe('the fields of a message as they stand', () => {
  it('are those that JSON.parse sees, in order, with the text of their values', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(0, 2),
        (value, indent) => {
          const json = JSON.stringify(value, null, indent);
          const fields = topLevelFields(Buffer.from(json));
          const parsed = JSON.parse(json) as Record<string, unknown>;
          expect(fields.map(({ key }) => key)).toEqual(Object.keys(parsed));
          for (const { key, text } of fields) expect(JSON.parse(text)).toEqual(parsed[key]);
        },
      ),
    );
  });

  it('keep repeated keys, also those that are only spelt differently', () => {
    const text = '{ "a" : [ {"b":1} , "}" ] ,"\\u0061":-1.50}';
    expect(topLevelFields(Buffer.from(text))).toEqual([
      { key: 'a', text: '[ {"b":1} , "}" ]' },
      { key: 'a', text: '-1.50' },
    ]);
    expect(topLevelFields(Buffer.from('{}'))).toEqual([]);
  });
});
