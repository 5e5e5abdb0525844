/** Random events and random queries over the same few words, so that queries find some and not all. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { row, type Row } from '../support.ts';

const WORDS = [
  'rotation',
  'Disk FULL',
  '100%_sure',
  'a\\b',
  'it’s',
  'Übergang',
  'x\ty',
  '"quoted"',
  '👍 ok',
];
const IDS = ['u_1', 'u_2', 'app-7', 'app/app-7', 'arn:aws:iam::1:role/x', 'U_1', 'a*b'];
const TYPES = ['app.env_var.updated', 'app.deployed', 'server.created', 'appXenv_varXupdated'];
const PATHS = ['/phone', '/phone/home', '/address/phone', '/phones', '/a~1b', ''];
const VALUES = ['"draft"', '5', '"5"', 'null', '{"a":1}', '"Draft"'];
const ADDRESSES = [
  '::ffff:10.1.2.3',
  '::ffff:10.200.0.1',
  '::ffff:192.168.0.9',
  '2001:db8::7',
  '::1',
];

const some = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

/** A row as the worker inserts it. */
export const eventRow = (nowMs: number): fc.Arbitrary<Row> =>
  fc
    .record({
      event_type: some(TYPES),
      category: some(['app', 'server']),
      operation: maybe(some(['create', 'update', 'delete'])),
      outcome: maybe(some(['success', 'failure', 'denied'])),
      severity: maybe(some(['low', 'medium', 'high', 'critical'])),
      age: fc.integer({ min: 0, max: 10 * 86_400 }),
      micros: fc.integer({ min: 0, max: 999_999 }),
      tenant_id: some(['acme', 'acme', 'globex']),
      actor_type: some(['user', 'service']),
      actor_id: some(IDS),
      actor_name: maybe(some(['Alice Smith', 'alice smith', 'Bob', ''])),
      target_type: maybe(some(['app', 'server'])),
      target_id: maybe(some(IDS)),
      target_name: maybe(some(WORDS)),
      related: fc.array(
        fc.record({
          role: some(['parent', 'subject']),
          type: some(['app', 'user']),
          id: some(IDS),
          name: some(WORDS),
        }),
        { maxLength: 2 },
      ),
      source_ip: maybe(some(ADDRESSES)),
      service: some(['panel', 'cron']),
      correlation_id: maybe(some(['req-1', 'req-2'])),
      reason: maybe(some(WORDS)),
      message: maybe(some(WORDS)),
      error_code: maybe(some(['FORBIDDEN', 'E_TIMEOUT'])),
      error_message: maybe(some(WORDS)),
      changes: fc.array(
        fc.record({
          op: fc.constant('replace'),
          path: some(PATHS),
          old: some(VALUES),
          new: some(VALUES),
        }),
        { maxLength: 2 },
      ),
      data: maybe(
        fc
          .record({
            environment: some(['production', 'Production', 'test']),
            n: fc.integer({ min: -3, max: 9 }),
            nested: fc.record({ deep: some(WORDS) }),
          })
          .map((value) => JSON.stringify(value)),
      ),
      execution: maybe(
        fc
          .integer({ min: 0, max: 3 })
          .map((code) => JSON.stringify({ exit_code: code, command: 'ls -l' })),
      ),
      attributes: fc.dictionary(
        some(['host.name', 'session.id']),
        some(['web-1', 'WEB-2', 'it’s']),
        { maxKeys: 2 },
      ),
      weight: some([1, 1, 2, 10]),
      event_version: some([1, 2]),
    })
    .map(({ age, micros, ...fields }) => {
      const occurred = new Date(nowMs - age * 1000)
        .toISOString()
        .replace(/\.\d+Z$/, `.${String(micros).padStart(6, '0')}Z`);
      const given = Object.fromEntries(
        Object.entries(fields).filter(([, value]) => value !== undefined),
      );
      return row({ ...given, event_id: randomUUID(), occurred_at: occurred });
    });

/** Whole characters: half of one is no text. */
const cut = (text: string, from: number, to?: number): string =>
  Array.from(text).slice(from, to).join('');

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
const bare = (text: string): string =>
  /[\s(),"*]|\.\./.test(text) || text === '' ? quoted(text) : text;

/** A value, the beginning or the end of one with a star, or a star alone. */
const pattern = (values: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: some(values).map(bare) },
    { weight: 2, arbitrary: some(values).map((text) => `${quoted(cut(text, 0, 2))}*`) },
    { weight: 1, arbitrary: some(values).map((text) => `*${quoted(cut(text, -2))}`) },
    {
      weight: 1,
      arbitrary: some(values).map((text) => `${quoted(cut(text, 0, 1))}*${quoted(cut(text, -1))}`),
    },
    { weight: 1, arbitrary: fc.constantFrom('*', '""', 'nothing-like-it') },
  );

const field = (name: string, values: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(pattern(values), { minLength: 1, maxLength: 2 })
    .map((list) => `${name}:${list.join(',')}`);

const compared = (name: string, values: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(some(['', '>', '>=', '<', '<=']), some(values))
      .map(([sign, value]) => `${name}:${sign}${value}`),
    fc.tuple(some([...values, '']), some(values)).map(([from, to]) => `${name}:${from}..${to}`),
  );

const term: fc.Arbitrary<string> = fc.oneof(
  field('actor', [...IDS, 'user/u_1', 'service/app/app-7']),
  field('target', [...IDS, 'app/app-7', 'app/u_*']),
  field('actor.name', ['ALICE smith', 'bob']),
  field('target.type', ['app', 'server']),
  field('category', ['app', 'server', 'none']),
  field('type', [...TYPES, 'app.env_var.']),
  field('tenant', ['acme', 'globex']),
  some([
    'outcome:denied,failure',
    'outcome:*',
    'operation:update',
    'operation:unknown',
    'outcome:success',
  ]),
  compared('severity', ['low', 'medium', 'high']),
  compared('weight', ['1', '2', '5', '10']),
  compared('data.n', ['-1', '0', '3']),
  compared('version', ['1', '2']),
  compared('at', ['1d', '5d', '36h', 'today', 'yesterday', 'now']),
  some(['since:3d', 'until:2d', 'since:yesterday', 'since:100h until:1h']),
  field('related', [...IDS, 'app/app-7']),
  field('parent', ['app/u_1', 'u_2']),
  some([
    'ip:10.0.0.0/8',
    'ip:10.1.2.3',
    'ip:2001:db8::/32',
    'ip:*',
    'ip:""',
    'ip:10.0.0.0..10.150.0.0',
    'ip:::1',
  ]),
  field('service', ['panel', 'cron']),
  field('correlation', ['req-1', 'req-2']),
  field('reason', WORDS),
  field('message', WORDS),
  field('error', ['forbidden', 'full']),
  field('error.code', ['FORBIDDEN', 'forbidden']),
  field('changed', ['/phone', 'phone', '/', 'home', '/a~1b']),
  field('old', ['draft', '5', 'null', '{"a":1}']),
  field('new', ['DRAFT', '5']),
  field('data.environment', ['PRODUCTION', 'test']),
  field('data.nested.deep', WORDS),
  field('data.nested', ['x']),
  field('execution.exit_code', ['0', '1']),
  field('attributes.host.name', ['web-1', 'web-2']),
  pattern([...WORDS, 'forbid', 'phone', 'web-', 'app-7', 'production']),
);

/** Terms, negated, grouped and joined. */
export const query: fc.Arbitrary<string> = fc.letrec<{ part: string; whole: string }>((tie) => ({
  whole: fc
    .array(fc.tuple(tie('part'), some([' ', ' ', ' OR ', ' AND '])), { minLength: 1, maxLength: 3 })
    .map((parts) =>
      parts.map(([part, join], index) => (index === 0 ? part : `${join}${part}`)).join(''),
    ),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 5, arbitrary: term },
    { weight: 2, arbitrary: term.map((text) => `-${text}`) },
    { weight: 2, arbitrary: tie('whole').map((text) => `(${text})`) },
    { weight: 1, arbitrary: tie('whole').map((text) => `-(${text})`) },
  ),
})).whole;

/** Anything that people or programs could type or paste. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.oneof(
        some([
          '(',
          ')',
          '-',
          'OR',
          'AND',
          'NOT',
          ':',
          '"',
          '*',
          ',',
          '..',
          '>=',
          '\\',
          ' ',
          "'",
          '`',
          '{p0:String}',
          ';--',
          '/*',
          '\u0000',
          '\n',
        ]),
        some([
          'actor:',
          'type:',
          'since:',
          'ip:',
          'data.x:',
          'attributes.',
          'changed:',
          'severity:',
          'weight:',
          'id:',
        ]),
        fc.string({ maxLength: 6 }),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);
