import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  authorization,
  category,
  checkInput,
  defineCatalog,
  event,
  infrastructure,
  security,
  type ResolvedEvent,
} from '../../schemas/index.ts';

const sent = event({ operation: 'execute', label: 'Invoice sent', target: 'invoice' });
const billing = category('billing', {
  label: 'Billing',
  icon: 'receipt',
  events: {
    'billing.invoice.sent': sent,
    'billing.plan.changed': [
      event({
        operation: 'update',
        label: 'Plan changed',
        aliases: ['plan_changed'],
        data: z.strictObject({ plan: z.string() }),
      }),
      event({
        operation: 'update',
        label: 'Plan changed',
        version: 2,
        requiresReason: true,
        data: z.strictObject({ from: z.string(), to: z.string().max(5) }),
      }),
    ],
  },
});
const catalog = defineCatalog(billing, infrastructure, security);

const get = (type: string, version?: number): ResolvedEvent => {
  const found = catalog.resolve(type, version);
  if (found === undefined) throw catalog.explain(type, version);
  return found;
};
const options = { label: 'X', icon: 'x' };
const codeOf = (attempt: () => unknown): unknown => {
  try {
    attempt();
    return 'no error';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('R-REC-02: types are declared up front, in categories with label and icon', () => {
  test('a type is found by name with everything emit needs, frozen', () => {
    const found = get('app.env_var.updated');
    expect(found).toMatchObject({
      category: 'app',
      categoryLabel: 'App',
      icon: 'box',
      operation: 'update',
      target: 'env_var',
      version: 1,
      protected: false,
      retentionClass: 'standard',
      durability: 'memory',
      onFailure: 'drop',
    });
    expect(Object.isFrozen(found)).toBe(true);
    expect(catalog.resolve('app.env_var.updated')).toBe(found);
  });

  test('a category may accept free-form types; the others do not', () => {
    expect(get('server.note')).toMatchObject({
      freeForm: true,
      category: 'server',
      icon: 'server',
    });
    expect(catalog.resolve('app.note')).toBeUndefined();
    expect(catalog.resolve('server.<script>')).toBeUndefined();
    expect(catalog.resolve('server')).toBeUndefined();
  });

  test('versions stand side by side, under the alias too; the newest is taken', () => {
    expect(get('billing.plan.changed').version).toBe(2);
    expect(get('plan_changed')).toBe(get('billing.plan.changed'));
    expect(get('plan_changed', 1)).toBe(get('billing.plan.changed', 1));
    expect(get('billing.plan.changed', 1).requiresReason).toBe(false);
  });

  test('security and authorization are protected, on disk, and kept as long as the table says', () => {
    for (const found of [...security.events, ...authorization.events]) {
      expect(found).toMatchObject({
        protected: true,
        retentionClass: 'protected',
        durability: 'disk',
        onFailure: 'spool',
      });
    }
  });
});

describe('R-REC-02: errors name the fix', () => {
  test('an unknown type suggests the nearest known one', () => {
    expect(catalog.explain('app.env_var.udpated')).toMatchObject({
      code: 'EVENT_TYPE_UNKNOWN',
      hint: expect.stringContaining('"app.env_var.updated"') as string,
    });
    expect(catalog.explain('zebra').hint).toContain('Declare it');
  });

  test('a name that is no name is not echoed', () => {
    const error = catalog.explain('<b>\u001b[31mhunter2');
    expect(error.message).toBe('No catalog declares the event type (not a well-formed name).');
    expect(catalog.explain(42).code).toBe('EVENT_TYPE_UNKNOWN');
  });

  test('an unknown version lists the known ones', () => {
    expect(catalog.resolve('plan_changed', 3)).toBeUndefined();
    expect(catalog.explain('plan_changed', 3)).toMatchObject({
      code: 'EVENT_VERSION_UNKNOWN',
      hint: expect.stringContaining('1, 2') as string,
    });
  });

  test.each<[string, () => unknown]>([
    ['CATALOG_NAME_INVALID', () => category('Big Category', { ...options, events: {} })],
    ['CATALOG_NAME_RESERVED', () => category('ledger', { ...options, events: {} })],
    [
      'CATALOG_NAME_INVALID',
      () =>
        category('a', {
          ...options,
          events: { 'a.Bad Name': event({ operation: 'read', label: 'x' }) },
        }),
    ],
    [
      'CATALOG_NAME_INVALID',
      () =>
        category('a', {
          ...options,
          events: { 'a.x': event({ operation: 'read', label: 'x', aliases: ['no spaces'] }) },
        }),
    ],
    [
      'CATALOG_NAME_RESERVED',
      () =>
        category('a', {
          ...options,
          events: { 'a.x': event({ operation: 'read', label: 'x', aliases: ['ledger.x'] }) },
        }),
    ],
    ['CATALOG_DUPLICATE', () => category('a', { ...options, events: { 'a.x': [sent, sent] } })],
    [
      'CATALOG_INVALID',
      () =>
        category('a', {
          ...options,
          events: { 'a.x': [event({ operation: 'read', label: 'x', version: 2 }), sent] },
        }),
    ],
    ['CATALOG_INVALID', () => event({ operation: 'read', label: 'x', version: 0 })],
    ['CATALOG_INVALID', () => category('security', { ...options, protected: false, events: {} })],
    [
      'CATALOG_INVALID',
      () => category('security', { ...options, retentionClass: 'standard', events: {} }),
    ],
    ['CATALOG_DUPLICATE', () => defineCatalog(billing, billing)],
    ['CATALOG_DUPLICATE', () => defineCatalog(infrastructure, defineCatalog(infrastructure))],
    [
      'CATALOG_DUPLICATE',
      () =>
        defineCatalog(
          billing,
          category('a', {
            ...options,
            events: {
              'a.x': event({ operation: 'read', label: 'x', aliases: ['plan_changed'] }),
            },
          }),
        ),
    ],
  ])('%s', (code, attempt) => {
    expect(codeOf(attempt)).toBe(code);
  });
});

describe('R-REC-02: an input is checked against its type', () => {
  test.each<[string, string, number | undefined, object]>([
    ['EVENT_TARGET_REQUIRED', 'billing.invoice.sent', undefined, {}],
    ['EVENT_REASON_REQUIRED', 'billing.plan.changed', undefined, { data: { from: 'a', to: 'b' } }],
    ['EVENT_MESSAGE_REQUIRED', 'server.note', undefined, {}],
    ['EVENT_DATA_INVALID', 'plan_changed', 1, {}],
    ['EVENT_DATA_INVALID', 'plan_changed', 1, { data: 'text' }],
    ['EVENT_DATA_INVALID', 'server.note', undefined, { message: 'x', data: [] }],
  ])('%s', (code, type, version, input) => {
    expect(checkInput(get(type, version), input)).toMatchObject({ ok: false, error: { code } });
  });

  test('wrong data is named by path and rule, never by value', () => {
    const data = { from: 'hunter2', to: 'much-too-long', extra: 'hunter2' };
    const check = checkInput(get('plan_changed'), { reason: 'x', data });
    const message = check.ok ? '' : check.error.message;
    expect(message).toContain('data.to: too_big');
    expect(message).toContain('1 unknown key(s)');
    expect(message).not.toContain('hunter2');
  });

  test('data that throws is a fault, not an exception', () => {
    const data = {
      get plan(): never {
        throw new Error('no');
      },
    };
    expect(checkInput(get('plan_changed', 1), { data })).toMatchObject({
      ok: false,
      error: { code: 'EVENT_DATA_INVALID' },
    });
  });

  test('what fits comes back as the schema left it', () => {
    expect(checkInput(get('plan_changed', 1), { data: { plan: 'pro' } })).toEqual({
      ok: true,
      data: { plan: 'pro' },
    });
    expect(checkInput(get('server.note'), { message: 'SSH key added' })).toEqual({
      ok: true,
      data: undefined,
    });
  });
});
