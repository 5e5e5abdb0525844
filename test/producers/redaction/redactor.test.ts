import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { changesBetween, createLedger } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { redactorOf } from '../../../producers/redaction/redactor.ts';
import { rulesOf, type RedactionOptions } from '../../../producers/redaction/rules.ts';
import {
  category,
  checkInput,
  decodeRow,
  defineCatalog,
  encodeRow,
  event,
  sensitive,
  type AuditEvent,
} from '../../../schemas/index.ts';

const KEY = { id: 'k1', secret: 'sixteen bytes !!' };
const hmac = (text: string): string =>
  `hmac-sha256:k1:${createHmac('sha256', KEY.secret).update(text).digest('base64url')}`;

const catalog = defineCatalog(
  category('person', {
    label: 'Person',
    icon: 'user',
    freeForm: true,
    events: {
      'person.updated': event({
        operation: 'update',
        label: 'Person updated',
        data: z.strictObject({
          email: sensitive(z.string(), 'hash').optional(),
          pin: sensitive(z.number(), 'drop').optional(),
          notes: sensitive(z.string(), 'mask').nullable().optional(),
          address: z
            .strictObject({ city: z.string(), street: sensitive(z.string(), 'mask') })
            .optional(),
          phones: z
            .array(z.strictObject({ kind: z.string(), number: sensitive(z.string(), 'hash') }))
            .optional(),
          codes: z.array(sensitive(z.string(), 'drop')).optional(),
          token: z.string().optional(),
          details: z.record(z.string(), z.unknown()).optional(),
        }),
        record: z.object({ iban: sensitive(z.string(), 'hash'), secret: z.string() }),
      }),
      'person.plain': event({
        operation: 'update',
        label: 'Plain',
        data: z.strictObject({ key: z.string() }),
      }),
    },
  }),
);

type Fields = Partial<AuditEvent>;

function eventOf(type: string, fields: Fields): AuditEvent {
  const definition = catalog.resolve(type);
  if (definition === undefined) throw catalog.explain(type);
  const check = checkInput(definition, { message: 'm', ...fields });
  if (!check.ok) throw check.error;
  return {
    id: '0193e1c2-7d3e-7a41-9c0f-2b6a51d8e7f4',
    type,
    version: 1,
    category: 'person',
    operation: 'update',
    outcome: 'success',
    severity: 'low',
    occurredAt: '2026-11-22T10:00:00Z',
    tenant: 't',
    actor: { type: 'user', id: 'u' },
    service: 's',
    ...fields,
    data: check.data,
  };
}

/** The event as it is stored. */
function stored(
  type: string,
  fields: Fields,
  options: RedactionOptions = { key: KEY },
): AuditEvent {
  const definition = catalog.resolve(type);
  if (definition === undefined) throw catalog.explain(type);
  const redact = redactorOf(definition, rulesOf(catalog, { key: KEY, ...options }));
  return decodeRow(encodeRow(redact(eventOf(type, fields))));
}

const redactedIn = ({ attributes }: AuditEvent): unknown =>
  JSON.parse(attributes?.['ledger.redacted'] ?? 'null');

describe('R-EDGE-09: data', () => {
  test('is masked, hashed or dropped as its schema says, at any depth', () => {
    const event = stored('person.updated', {
      data: {
        email: 'ada@example.com',
        pin: 1234,
        notes: 'canary',
        address: { city: 'Berlin', street: 'canary' },
        phones: [{ kind: 'work', number: '030' }],
        codes: ['canary', 'canary'],
        token: 'declared, and not sensitive',
      },
    });
    expect(event.data).toEqual({
      email: hmac('ada@example.com'),
      notes: '[masked]',
      address: { city: 'Berlin', street: '[masked]' },
      phones: [{ kind: 'work', number: hmac('030') }],
      codes: [],
      token: 'declared, and not sensitive',
    });
    expect(redactedIn(event)).toEqual([
      '/data/email',
      '/data/pin',
      '/data/notes',
      '/data/address/street',
      '/data/phones/0/number',
      '/data/codes/0',
      '/data/codes/1',
    ]);
  });

  test('null stays null: whether there is a value is no secret', () => {
    expect(stored('person.updated', { data: { notes: null } }).data).toEqual({ notes: null });
  });

  test('what the schema leaves open is judged by its names', () => {
    class Session {
      toJSON() {
        return { cookie: 'canary', name: 'x' };
      }
    }
    const event = stored('person.updated', {
      data: {
        details: {
          dbPassword: 'canary',
          hasPassword: true,
          nested: [{ api_key: 'canary', n: 1 }],
          map: new Map([['x-api-key', 'canary']]),
          session: new Session(),
          error: Object.assign(new Error('e'), { code: 'C', secret: 'canary' }),
          credentials: { user: 'canary', list: ['canary'] },
        },
      },
    });
    expect(JSON.stringify(event)).not.toContain('canary');
    expect(event.data).toMatchObject({
      details: {
        dbPassword: '[masked]',
        hasPassword: true,
        nested: [{ api_key: '[masked]', n: 1 }],
        map: { 'x-api-key': '[masked]' },
        session: { cookie: '[masked]', name: 'x' },
        credentials: '[masked]',
      },
    });
  });

  test('free-form types too, with names added and taken away', () => {
    const data = { password: 'a', ssn: 'b', token: 'c' };
    const names = { add: ['ssn'], remove: ['token'] };
    expect(stored('person.note', { message: 'm', data }, { names }).data).toEqual({
      password: '[masked]',
      ssn: '[masked]',
      token: 'c',
    });
  });

  test('equal values have equal hashes, wherever they are; others have others', () => {
    const hashOf = (email: string, key = KEY): unknown =>
      stored('person.updated', { data: { email } }, { key }).data?.['email'];
    expect(hashOf('a')).toBe(hashOf('a'));
    expect(hashOf('a')).not.toBe(hashOf('b'));
    expect(hashOf('a', { ...KEY, secret: 'another secret !!' })).not.toBe(hashOf('a'));
  });
});

describe('R-EDGE-09, R-REC-05: changes', () => {
  test.each<[string, NonNullable<AuditEvent['changes']>[number], object]>([
    [
      'at the field',
      { op: 'replace', path: '/email', old: 'a', new: 'b' },
      { old: hmac('a'), new: hmac('b') },
    ],
    [
      'deeper',
      { op: 'replace', path: '/notes/0/x', old: 1, new: 2 },
      { old: '[masked]', new: '[masked]' },
    ],
    [
      'above it',
      { op: 'add', path: '/address', new: { city: 'Berlin', street: 'x' } },
      { new: { city: 'Berlin', street: '[masked]' } },
    ],
    [
      'in a list',
      { op: 'replace', path: '/phones/3/number', old: null, new: '030' },
      { old: null, new: hmac('030') },
    ],
    [
      'a list’s end',
      { op: 'add', path: '/phones/-', new: { kind: 'w', number: '1' } },
      { new: { kind: 'w', number: hmac('1') } },
    ],
    [
      'of the record',
      { op: 'replace', path: '/iban', old: 'x', new: 'y' },
      { old: hmac('x'), new: hmac('y') },
    ],
    [
      'a name of the list',
      { op: 'replace', path: '/login/apiKey', old: 'x', new: 'y' },
      { old: '[masked]', new: '[masked]' },
    ],
    [
      'a name above',
      { op: 'replace', path: '/credentials/user', old: 'x', new: 'y' },
      { old: '[masked]', new: '[masked]' },
    ],
    [
      'a name within',
      { op: 'add', path: '/login', new: { pass: 'x', at: 1 } },
      { new: { pass: '[masked]', at: 1 } },
    ],
    [
      'no pointer',
      { op: 'replace', path: 'login.password', old: 'x', new: 'y' },
      { old: '[masked]', new: '[masked]' },
    ],
    [
      'the whole',
      { op: 'replace', path: '', new: { email: 'a', login: { otp: '1' } } },
      { new: { email: hmac('a'), login: { otp: '[masked]' } } },
    ],
    [
      'declared by the record',
      { op: 'replace', path: '/secret', old: 'x', new: 'y' },
      { old: 'x', new: 'y' },
    ],
    [
      'nothing sensitive',
      { op: 'replace', path: '/address/city', old: 'x', new: { a: 1 } },
      { old: 'x', new: { a: 1 } },
    ],
  ])('%s', (_what, change, expected) => {
    const { changes } = stored('person.updated', { changes: [change] });
    expect(changes).toEqual([{ op: change.op, path: change.path, ...expected }]);
  });

  test('dropped values leave that the field changed', () => {
    const event = stored('person.updated', {
      changes: [{ op: 'replace', path: '/pin', old: 1234, new: 5678 }],
    });
    expect(event.changes).toEqual([{ op: 'replace', path: '/pin' }]);
    expect(redactedIn(event)).toEqual(['/changes/pin']);
  });

  test('changes that are no list are treated like data', () => {
    const changes = { password: 'canary' } as unknown as AuditEvent['changes'];
    expect(JSON.stringify(stored('person.plain', { data: { key: 'k' }, changes }))).not.toContain(
      'canary',
    );
  });
});

describe('R-EDGE-09, R-REC-04: attributes, texts and commands', () => {
  test('attributes under secret names, and secrets in URLs', () => {
    const { attributes } = stored('person.plain', {
      data: { key: 'k' },
      attributes: {
        'http.request.header.authorization': 'canary',
        'url.full': 'https://x/y?token=canary&a=1',
        'user_agent.original': 'Mozilla: 5',
      },
    });
    expect(attributes).toMatchObject({
      'http.request.header.authorization': '[masked]',
      'url.full': 'https://x/y?token=[masked]&a=1',
      'user_agent.original': 'Mozilla: 5',
    });
  });

  test('what was sensitive in a field is found in message, reason, error and output', () => {
    const event = stored('person.updated', {
      data: { notes: 'canary-1', email: 'canary-2' },
      changes: [{ op: 'add', path: '/address/street', new: 'canary-3' }],
      message: 'said canary-1',
      reason: 'for canary-2',
      error: { code: 'E', message: 'no canary-3 at redis://:canary-4@cache' },
      execution: {
        command: 'run --password canary-5 canary-1',
        args: ['--token', 'canary-6', 'canary-2'],
        output: 'API_KEY=canary-7\nok',
        env: { SECRET: 'canary-8' },
      },
    });
    expect(JSON.stringify(event)).not.toContain('canary');
    expect(event.execution).toEqual({
      command: 'run --password [masked] [masked]',
      args: ['--token', '[masked]', '[masked]'],
      output: 'API_KEY=[masked]\nok',
      env: { SECRET: '[masked]' },
    });
    expect(redactedIn(event)).toEqual(
      expect.arrayContaining(['/message', '/reason', '/error/message', '/execution/args']),
    );
  });

  test('related parties that are none', () => {
    const related = [{ type: 'x', id: '1', password: 'canary' }] as unknown as [];
    const event = stored('person.plain', { data: { key: 'k' }, related });
    expect(event.attributes?.['ledger.unmapped.related']).toContain('[masked]');
    expect(JSON.stringify(event)).not.toContain('canary');
  });

  test('an event with nothing to treat is answered as it is', () => {
    const definition = catalog.resolve('person.plain');
    if (definition === undefined) throw new Error('not declared');
    const event = eventOf('person.plain', {
      data: { key: 'k' },
      changes: [{ op: 'replace', path: '/a', old: 1, new: 'x' }],
      attributes: { 'session.id': 's' },
      related: [{ role: 'parent', type: 'app', id: 'a' }],
      reason: 'rotating the credentials',
    });
    expect(redactorOf(definition, rulesOf(catalog, { key: KEY }))(event)).toBe(event);
  });
});

describe('R-REC-07: whatever it is given', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const cyclic: Record<string, unknown> = { password: 'canary' };
  cyclic['self'] = cyclic;

  test.each<[string, Fields]>([
    ['a cycle', { data: { details: cyclic } }],
    [
      'a throwing getter',
      { data: { details: { a: Object.defineProperty({}, 'x', { get: boom, enumerable: true }) } } },
    ],
    ['a revoked proxy', { data: { details: { a: revoked() } } }],
    ['a throwing toJSON', { data: { details: { a: { toJSON: boom } } } }],
    ['unreadable changes', { changes: revoked() as unknown as [] }],
    ['a change that is none', { changes: [null, 7, revoked()] as unknown as [] }],
    ['unreadable attributes', { attributes: new Proxy({}, { ownKeys: boom }) }],
    ['unreadable execution', { execution: new Proxy({}, { get: boom, ownKeys: boom }) }],
  ])('%s', (_what, fields) => {
    expect(JSON.stringify(stored('person.updated', fields))).not.toContain('canary');
  });

  test('a getter that says something else the second time is asked once', () => {
    let asked = 0;
    const twoFaced = {
      get login() {
        asked += 1;
        return asked === 1 ? {} : { password: 'canary' };
      },
    };
    const event = stored('person.note', { message: 'm', data: { twoFaced } });
    expect(JSON.stringify(event)).not.toContain('canary');
  });

  test('no name of the list keeps its value, whatever surrounds it', () => {
    const plant = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.anything({ withMap: true, withSet: true, withBigInt: true, withDate: true }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'x y'), tie('tree')),
        fc.array(tie('tree')),
        fc.record({ password: fc.constantFrom('canary', ['canary'], { deep: 'canary' }) }),
        tie('tree').map(
          (value) =>
            new Map([
              ['client-secret', 'canary'],
              ['v', value as string],
            ]),
        ),
      ),
    })).tree;
    fc.assert(
      fc.property(plant, (value) => {
        const event = stored('person.note', {
          message: 'm',
          data: { value },
          changes: [{ op: 'add', path: '/x', new: value }],
          execution: { value },
        });
        expect(JSON.stringify(event)).not.toContain('canary');
      }),
      { numRuns: 300 },
    );
  });
});

test('R-EDGE-09: hashing without a key is an error at start that names the types', () => {
  expect(() => rulesOf(catalog)).toThrow('person.updated');
  expect(() => rulesOf(catalog)).not.toThrow('person.plain');
});

test('R-EDGE-09: a wrong key is refused by rule, and not quoted', () => {
  const secret = 'too short';
  const options = { service: 's', catalog, transport: memoryTransport() };
  const refused = (key: { id: string; secret: string }): string => {
    try {
      createLedger({ ...options, redaction: { key } });
    } catch (error) {
      return inspect(error, { depth: 9, showHidden: true });
    }
    return 'accepted';
  };
  expect(refused({ id: 'k', secret })).toContain('redaction.key.secret: must have at least 16');
  expect(refused({ id: 'a b', secret })).toContain('redaction.key.id: must be 1 to 32 letters');
  expect(refused({ id: 'k', secret })).not.toContain(secret);
  expect(() => createLedger(options)).toThrow('redaction.key: is needed');
  expect(refused({ id: 'k', secret: 'long enough, this one' })).toBe('accepted');
});

describe('R-EDGE-09: what callers without types pass', () => {
  test('secrets within attributes that are objects, and in those that are URLs', () => {
    const { attributes } = stored('person.plain', {
      data: { key: 'k' },
      attributes: {
        config: { host: 'db', password: 'canary' },
        'url.full': new URL('https://app:canary@db/?token=canary'),
        plain: 'as it is',
      } as unknown as Record<string, string>,
    });
    expect(attributes).toEqual({
      config: '{"host":"db","password":"[masked]"}',
      'url.full': 'https://app:[masked]@db/?token=[masked]',
      plain: 'as it is',
      'ledger.redacted': '["/attributes/config/password","/attributes/url.full"]',
    });
  });

  test('a sensitive number is found in the texts as well', () => {
    const event = stored('person.updated', {
      data: { pin: 471_199 },
      message: 'PIN 471199 is set',
    });
    expect(event.message).toBe('PIN [masked] is set');
  });
});

test('R-EDGE-09: a value has one digest, as it is in data and as text in changes', () => {
  const redaction = rulesOf(catalog, { key: KEY });
  const record = { at: new Date(0), number: 5n };
  const texts = changesBetween({}, record).map((change) => redaction.hash(change.new));
  expect(texts).toEqual([hmac('1970-01-01T00:00:00.000Z'), hmac('5')]);
  expect(Object.values(record).map(redaction.hash)).toEqual(texts);
});
