import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  category,
  configBackup,
  defineCatalog,
  event,
  security,
  type EventInput,
  type EventTypeName,
} from '../../schemas/index.ts';

/** What the compiler knows of a catalog; `tsc` is what runs these, and every expected error must be one. */

const own = defineCatalog(
  category('app', {
    label: 'App',
    icon: 'box',
    events: {
      'app.deleted': event({
        operation: 'delete',
        label: 'App deleted',
        target: 'app',
        requiresReason: true,
      }),
      'app.env_var.updated': event({
        operation: 'update',
        label: 'Environment variable updated',
        target: 'env_var',
        aliases: ['env_var_updated'],
        data: z.strictObject({ key: z.string() }),
      }),
      'app.deployed': [
        event({
          operation: 'execute',
          label: 'App deployed',
          data: z.strictObject({ sha: z.string() }),
        }),
        event({
          operation: 'execute',
          label: 'App deployed',
          version: 2,
          data: z.strictObject({ commit: z.string() }),
        }),
      ],
    },
  }),
  category('server', { label: 'Server', icon: 'server', freeForm: true, events: {} }),
);
const all = defineCatalog(own, security, configBackup);

type Own = typeof own;
type All = typeof all;

test('R-REC-02: names are the types, the aliases and the free-form prefixes', () => {
  expectTypeOf<EventTypeName<Own>>().toEqualTypeOf<
    'app.deleted' | 'app.env_var.updated' | 'env_var_updated' | 'app.deployed' | `server.${string}`
  >();
  expectTypeOf<'security.mfa.disabled'>().toExtend<EventTypeName<All>>();
  expectTypeOf<'config_snapshot_created'>().toExtend<EventTypeName<All>>();
  expectTypeOf<'gateway.tool.invoked'>().not.toExtend<EventTypeName<All>>();
});

test('R-REC-02: data, target, reason and message are demanded as the type says', () => {
  const target = { id: '1' };
  const accept = <T extends EventTypeName<All>>(type: T, _input: EventInput<All, T>): void => {
    accepted.push(type);
  };
  const accepted: string[] = [];

  accept('app.env_var.updated', { target, data: { key: 'A' } });
  accept('env_var_updated', { target: { type: 'env_var', id: '1' }, data: { key: 'A' } });
  accept('app.deployed', { data: { commit: 'c' } });
  accept('app.deployed', { version: 2, data: { commit: 'c' } });
  accept('app.deployed', { version: 1, data: { sha: 's' } });
  accept('app.deleted', { target, reason: 'asked by the owner' });
  accept('server.note', { message: 'SSH key added' });
  accept('config_diff_generated', { target, data: { resourceType: 'running-config' } });

  // @ts-expect-error -- no such type
  accept('app.env_var.udpated', { target, data: { key: 'A' } });
  // @ts-expect-error -- wrong kind of data
  accept('app.env_var.updated', { target, data: { key: 1 } });
  // @ts-expect-error -- a field that the type does not have
  accept('app.env_var.updated', { target, data: { key: 'A', value: 'B' } });
  // @ts-expect-error -- no data
  accept('app.env_var.updated', { target });
  // @ts-expect-error -- no target
  accept('app.env_var.updated', { data: { key: 'A' } });
  // @ts-expect-error -- another kind of target
  accept('app.env_var.updated', { target: { type: 'app', id: '1' }, data: { key: 'A' } });
  // @ts-expect-error -- no reason
  accept('app.deleted', { target });
  // @ts-expect-error -- an older version's data without naming the version
  accept('app.deployed', { data: { sha: 's' } });
  // @ts-expect-error -- no such version
  accept('app.deployed', { version: 3, data: { commit: 'c' } });
  // @ts-expect-error -- free-form without a message
  accept('server.note', { data: { key: 'A' } });
  // @ts-expect-error -- a field that no event has
  accept('server.note', { message: 'x', operator: 'me' });
  // At run time it is checkInput that refuses; here every call only had to compile, or not to.
  expect(accepted).toHaveLength(19);
});

test('R-REC-02: a declaration is checked too', () => {
  const read = event({ operation: 'read', label: 'Read' });
  // @ts-expect-error -- no such operation
  event({ operation: 'peek', label: 'Peeked' });
  // @ts-expect-error -- no such option
  event({ operation: 'read', label: 'Read', requireReason: true });
  const misplaced = (): unknown =>
    category('a', {
      label: 'A',
      icon: 'a',
      // @ts-expect-error -- a type outside its category's prefix
      events: { 'b.read': read },
    });
  expect(misplaced).toThrow('misnamed');
});
