import { describe, expect, it, test } from 'vitest';
import { timeBounds } from '../../../clickhouse/search/bounds.ts';
import { compile } from '../../../clickhouse/search/compile.ts';
import { FIELDS } from '../../../clickhouse/search/fields.ts';
import { FAMILIES } from '../../../clickhouse/search/field-named.ts';
import { QUERY_LIMITS } from '../../../clickhouse/search/limits.ts';
import { addressRange, addressText } from '../../../clickhouse/search/network.ts';
import { parseQuery } from '../../../clickhouse/search/parse.ts';
import { QueryError } from '../../../clickhouse/search/query-error.ts';
import { resolve } from '../../../clickhouse/search/resolve.ts';
import { runnableSql } from '../../../clickhouse/search/runnable-sql.ts';
import { whenOf } from '../../../clickhouse/search/when.ts';
import { COLUMNS } from '../../../schemas/index.ts';
import { caretLines } from '../../../cli/search/caret.ts';

const clock = { nowMs: Date.parse('2026-11-23T10:30:00Z'), timeZone: 'UTC' };
const read = (query: string) => resolve(parseQuery(query), clock);
const sqlOf = (query: string) => compile(read(query));

function faultOf(query: string): QueryError {
  try {
    read(query);
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error('the query was read');
}

const underlined = (query: string): string => {
  const { at, length } = faultOf(query);
  return query.slice(at, at + length);
};

describe('R-ASK-01: a query', () => {
  it('joins terms side by side closer than OR, and negates the one behind a minus', () => {
    const { sql, params } = sqlOf('category:app -service:cron OR outcome:denied (a OR b)');
    expect(
      sql.replace(/\(positionCase.*?changes\.new\).*?mapValues\(attributes\)\)\)/g, 'TEXT'),
    ).toBe(
      '(((category = {p0:String}) AND NOT (service = {p1:String})) OR ((outcome IN {p2:Array(String)}) AND (TEXT OR TEXT)))',
    );
    expect(params).toMatchObject({ p0: 'app', p1: 'cron', p2: ['denied'], p3: 'a', p4: 'b' });
  });

  it('of the issue tracker’s kind is read whole', () => {
    const { params } = sqlOf(
      'actor:user-42 category:app type:app.env_var.* outcome:denied target:app/app-7 since:7d -service:cron "rotation" ip:10.0.0.0/8 changed:/phone',
    );
    expect(Object.values(params)).toEqual([
      'user-42',
      'app',
      'app.env\\_var.%',
      ['denied'],
      'app/app-7',
      'app',
      'app-7',
      '2026-11-16 10:30:00.000000',
      'cron',
      'rotation',
      '0000:0000:0000:0000:0000:ffff:0a00:0000',
      '0000:0000:0000:0000:0000:ffff:0aff:ffff',
      '/phone',
      '/phone/%',
    ]);
  });

  it.each([
    ['a AND b', 'a b'],
    ['NOT a', '-a'],
    ['--a', 'a'],
    ['((a))', 'a'],
    ['TYPE:x', 'type:x'],
    ['user:u_1', 'actor:u_1'],
    ['"a"', 'a'],
    ['outcome:DENIED', 'outcome:den'],
    ['parent:app/a', 'related.parent:app/a'],
    ['attr.host.name:x', 'attributes.host.name:x'],
    ['attributes.host.name:x', 'attributes."host.name":x'],
    ['since:2026-11-22', 'at:>=2026-11-22'],
    ['until:2026-11-22', 'at:<=2026-11-22'],
    ['at:2026-11', 'at:2026-11-01..2026-11-30'],
    ['severity:>=high', 'severity:high..'],
    ['weight:>=2', 'weight:2..*'],
    ['data.amount:>=2', 'data.amount:2..'],
  ])('%s means the same as %s', (one, other) => {
    expect(read(one)).toEqual(read(other));
  });

  it('takes numbers with dots between them for a range of data, and other texts for texts', () => {
    expect(read('data.amount:-1.5..10')).toMatchObject({
      kind: 'number',
      from: { value: -1.5 },
      to: { value: 10 },
    });
    for (const text of ['data.path:../etc', 'data.version:1..x', 'data.amount:"5..10"']) {
      expect(read(text)).toMatchObject({ kind: 'like' });
    }
  });

  it('compares severities by their order', () => {
    expect(sqlOf('severity:>=high').params).toEqual({ p0: ['high', 'critical'] });
    expect(sqlOf('severity:<low').params).toEqual({ p0: ['informational'] });
    expect(sqlOf('severity:low..high').params).toEqual({ p0: ['low', 'medium', 'high'] });
    expect(sqlOf('severity:>critical').sql).toBe('0');
  });

  it('that is empty asks for everything', () => {
    expect(sqlOf('')).toEqual({ sql: '1', params: {} });
    expect(sqlOf('  ')).toEqual({ sql: '1', params: {} });
    expect(sqlOf('*').sql).toBe('1');
  });

  it('finds the names that every object has as words, not as signs', () => {
    for (const word of ['valueOf', 'constructor', 'hasOwnProperty', 'toString']) {
      expect(Object.values(sqlOf(word).params)).toEqual([word]);
      expect(faultOf(`${word}:x`).code).toBe('QUERY_INVALID');
      expect(faultOf(`outcome:${word}`).code).toBe('QUERY_INVALID');
    }
  });

  it('takes quotes, stars within quotes, escapes and commas as they are written', () => {
    expect(sqlOf('message:"a \\"b\\" \\\\ c"').params).toEqual({ p0: 'a "b" \\ c' });
    expect(sqlOf('actor.id:"a*b",c').params).toEqual({ p0: 'a*b', p1: 'c' });
    expect(sqlOf('actor.id:"50%_"*').params).toEqual({ p0: '50\\%\\_%' });
    expect(sqlOf('a,b').params).toMatchObject({ p0: 'a,b' });
    expect(sqlOf("'; DROP TABLE audit_events").sql).not.toContain('DROP');
  });

  it('bounds the time that is read as far as it is certain', () => {
    const bounds = (query: string) => timeBounds(read(query));
    const day = Date.UTC(2026, 10, 22) * 1000;
    expect(bounds('since:2026-11-22 x')).toEqual({ from: day, before: undefined });
    expect(bounds('at:2026-11-22 OR since:2026-11-23')).toEqual({ from: day, before: undefined });
    expect(bounds('since:2026-11-22 OR x')).toEqual({ from: undefined, before: undefined });
    expect(bounds('-since:2026-11-22')).toEqual({ from: undefined, before: undefined });
    expect(bounds('since:2026-11-22 since:2026-11-20 until:2026-11-22')).toEqual({
      from: day,
      before: day + 86_400_000_000,
    });
  });
});

describe('R-ASK-01: a query that cannot be read', () => {
  it.each([
    ['actr:u_7', 'actr', 'Did you mean actor:?'],
    ['x severty:high', 'severty', 'Did you mean severity:?'],
    ['http://example.com', 'http', 'words in quotes'],
    ['outcome:deneid', 'deneid', 'Did you mean denied?'],
    ['since:soon', 'soon', 'Write a date'],
    ['since:2026-02-30', '2026-02-30', 'Write a date'],
    ['since:0099-01-01', '0099-01-01', 'holds no event'],
    ['since:999999999y', '999999999y', 'holds no event'],
    ['until:9999-12-31', '9999-12-31', 'holds no event'],
    ['at:2026-11-01T25:00', '2026-11-01T25:00', 'Write a date'],
    ['at:2026-11-01T10:00+19:00', '2026-11-01T10:00+19:00', 'Write a date'],
    ['ip:10.0.0.0/40', '10.0.0.0/40', 'Write an IPv4'],
    ['ip:fe80::1%eth0', 'fe80::1%eth0', 'Write an IPv4'],
    ['weight:many', 'many', 'Write digits'],
    ['weight:1e999', '1e999', 'Write digits'],
    ['id:0198', '0198', '32 hexadecimal digits'],
    ['actor:>u_7', '>', 'Leave the sign out'],
    ['severity:>low,high', 'high', 'Compare with one value'],
    ['at:..', '..', 'Write a..b'],
    ['x "open', '"', 'Close it'],
    ['(a', '(', 'Close it'],
    ['a)', ')', 'Take it away'],
    ['()', '(', 'Write a term'],
    ['a OR', 'OR', 'Write a term'],
    ['OR a', 'OR', 'Write a term'],
    ['AND a', 'AND', 'Write a term'],
    ['a NOT', 'NOT', 'Write a term'],
    ['actor: x', ' ', 'Write actor:value'],
    ['actor:', ':', 'Write actor:value'],
    ['type:(a OR b)', '(', 'write type:a,b'],
    ['a*b*c*d*e*f*g*h*i*j*k*l', 'a*b*c*d*e*f*g*h*i*j*k*l', 'Leave some out'],
  ])('%s is told at %j', (query, stretch, hint) => {
    expect(underlined(query)).toBe(stretch);
    expect(faultOf(query).code).toBe('QUERY_INVALID');
    expect(faultOf(query).hint).toContain(hint);
  });

  it('is underlined, also where terminals would show it otherwise', () => {
    expect(caretLines('x actr:u_7 y', { at: 2, length: 4 })).toEqual([
      '  x actr:u_7 y',
      '    ^^^^',
    ]);
    const [line = '', mark = ''] = caretLines(`\u001b[2J\u202e actr:1`, { at: 6, length: 4 });
    expect(line).toBe('  \\u001b[2J\\u202e actr:1');
    expect(line.slice(mark.indexOf('^'), mark.length)).toBe('actr');
    const far = `${'word '.repeat(1000)}actr:x`;
    const [cut = '', under = ''] = caretLines(
      far,
      faultOf(far.slice(-200)) && { at: 5000, length: 4 },
    );
    expect(cut.length).toBeLessThan(90);
    expect(cut.slice(under.indexOf('^'))).toBe('actr:x');
  });

  test.each([
    ['a million terms', 'a '.repeat(1_000_000)],
    ['a thousand terms', 'a '.repeat(1000)],
    ['a thousand values', `actor:${'a,'.repeat(1000)}a`],
    ['deep parentheses', '('.repeat(QUERY_LIMITS.length)],
    ['deep parentheses, closed', `${'('.repeat(4000)}a${')'.repeat(4000)}`],
    ['a regular expression bomb of stars', `${'*a'.repeat(4000)}`],
    ['half a character', 'a \ud800'],
  ])('R-ASK-01 %s are refused at once', (_, query) => {
    const started = performance.now();
    expect(faultOf(query).code).toBe('QUERY_INVALID');
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('of minus signs alone, or of all that is allowed, is no burden', () => {
    expect(sqlOf(`${'-'.repeat(8000)}a`).sql).not.toContain('NOT');
    expect(Object.keys(sqlOf('a '.repeat(QUERY_LIMITS.terms)).params)).toHaveLength(
      QUERY_LIMITS.terms,
    );
    // Expressions are no part of the language: what would explode as one is looked for as it stands.
    expect(sqlOf('message:"(a+)+$"').params).toEqual({ p0: '(a+)+$' });
  });
});

describe('R-ASK-01: times', () => {
  const when = (text: string, timeZone = 'UTC') => {
    const { start, end } = whenOf(text, { at: 0, length: text.length }, { ...clock, timeZone });
    return [new Date(start / 1000).toISOString(), new Date(end / 1000).toISOString()];
  };

  it.each([
    ['2026', 'UTC', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-02', 'UTC', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['2026-11-01', 'Europe/Berlin', '2026-10-31T23:00:00.000Z', '2026-11-01T23:00:00.000Z'],
    // 25 hours: clocks go back in the night of 25 October 2026.
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    // There was no 02:30 on 29 March 2026; it is as much later.
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z', '2026-03-29T01:31:00.000Z'],
    [
      '2026-11-01T12:00',
      'America/New_York',
      '2026-11-01T17:00:00.000Z',
      '2026-11-01T17:01:00.000Z',
    ],
    ['2026-11-01T12:00:05Z', 'Asia/Tokyo', '2026-11-01T12:00:05.000Z', '2026-11-01T12:00:06.000Z'],
    ['2026-11-01T12:00+05:30', 'UTC', '2026-11-01T06:30:00.000Z', '2026-11-01T06:31:00.000Z'],
    ['2026-11-01 12:00', 'UTC', '2026-11-01T12:00:00.000Z', '2026-11-01T12:01:00.000Z'],
    ['today', 'Asia/Tokyo', '2026-11-22T15:00:00.000Z', '2026-11-23T15:00:00.000Z'],
    ['yesterday', 'UTC', '2026-11-22T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['now', 'UTC', '2026-11-23T10:30:00.000Z', '2026-11-23T10:30:00.000Z'],
    ['90m', 'UTC', '2026-11-23T09:00:00.000Z', '2026-11-23T09:00:00.000Z'],
    ['2w', 'UTC', '2026-11-09T10:30:00.000Z', '2026-11-09T10:30:00.000Z'],
    ['9mo', 'UTC', '2026-02-23T10:30:00.000Z', '2026-02-23T10:30:00.000Z'],
    ['1y', 'UTC', '2025-11-23T10:30:00.000Z', '2025-11-23T10:30:00.000Z'],
  ])('%s in %s is from %s until %s', (text, zone, start, end) => {
    expect(when(text, zone)).toEqual([start, end]);
  });

  it('to the microsecond', () => {
    const span = { at: 0, length: 1 };
    expect(whenOf('2026-11-01T12:00:05.123456Z', span, clock)).toEqual({
      start: Date.UTC(2026, 10, 1, 12, 0, 5) * 1000 + 123_456,
      end: Date.UTC(2026, 10, 1, 12, 0, 5) * 1000 + 123_457,
      isDate: false,
    });
  });
});

describe('R-ASK-01: addresses', () => {
  it.each([
    [
      '10.1.2.3',
      '0000:0000:0000:0000:0000:ffff:0a01:0203',
      '0000:0000:0000:0000:0000:ffff:0a01:0203',
    ],
    [
      '10.1.2.3/8',
      '0000:0000:0000:0000:0000:ffff:0a00:0000',
      '0000:0000:0000:0000:0000:ffff:0aff:ffff',
    ],
    [
      '0.0.0.0/0',
      '0000:0000:0000:0000:0000:ffff:0000:0000',
      '0000:0000:0000:0000:0000:ffff:ffff:ffff',
    ],
    [
      '2001:db8::/32',
      '2001:0db8:0000:0000:0000:0000:0000:0000',
      '2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
    [
      '::ffff:10.0.0.1',
      '0000:0000:0000:0000:0000:ffff:0a00:0001',
      '0000:0000:0000:0000:0000:ffff:0a00:0001',
    ],
    ['::1', '0000:0000:0000:0000:0000:0000:0000:0001', '0000:0000:0000:0000:0000:0000:0000:0001'],
  ])('%s', (text, from, to) => {
    const range = addressRange(text);
    expect([range && addressText(range.from), range && addressText(range.to)]).toEqual([from, to]);
  });
});

describe('the table of fields', () => {
  it('has an example of each that can be read', () => {
    for (const { example } of [...FIELDS, ...FAMILIES]) expect(() => read(example)).not.toThrow();
  });

  it('reaches every column of an event', () => {
    const sql = [...FIELDS, ...FAMILIES, { example: 'words' }]
      .map(({ example }) => sqlOf(example).sql)
      .join(' ');
    const missed = COLUMNS.filter(
      ({ name }) =>
        !sql.includes(name) &&
        !['wire_version', 'lease', 'kafka_topic_id', 'kafka_timestamp'].includes(name),
    );
    expect(missed.map(({ name }) => name)).toEqual([]);
  });

  it('gives no name twice', () => {
    const names = FIELDS.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });
});

test('SQL for people shows every value harmlessly', () => {
  expect(
    runnableSql(
      "a = {p0:String} AND b IN {p1:Array(String)} AND t > {p2:DateTime64(6, 'UTC')} LIMIT {p3:UInt32}",
      {
        p0: "it's {p1:String} \u001b[2J\u202e\\",
        p1: ['x', "'"],
        p2: '2026-11-01 00:00:00.000000',
        p3: 5,
      },
    ),
  ).toBe(
    "a = 'it\\x27s \\x7Bp1:String\\x7D \\x1B[2J\\xE2\\x80\\xAE\\x5C' AND b IN ['x', '\\x27']::Array(String) AND t > '2026-11-01 00:00:00.000000'::DateTime64(6, 'UTC') LIMIT 5",
  );
});
