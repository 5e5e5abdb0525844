import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  category,
  defineCatalog,
  event,
  type EventInput,
  type EventTypeName,
} from '../../schemas/index.ts';

const catalog = defineCatalog(
  category('app', {
    label: 'App',
    icon: 'box',
    events: {
      'app.deleted': event({
        operation: 'delete',
        label: 'x',
        target: 'app',
        requiresReason: true,
      }),
      'app.env_var.updated': event({
        operation: 'update',
        label: 'x',
        target: 'env_var',
        aliases: ['env_var_updated'],
        data: z.strictObject({ key: z.string() }),
      }),
      'app.deployed': [
        event({ operation: 'execute', label: 'x', data: z.strictObject({ sha: z.string() }) }),
        event({
          operation: 'execute',
          label: 'x',
          version: 2,
          data: z.strictObject({ commit: z.string() }),
        }),
      ],
    },
  }),
  category('server', { label: 'Server', icon: 'server', freeForm: true, events: {} }),
);
type C = typeof catalog;

declare function emit<T extends EventTypeName<C>>(type: T, input: EventInput<C, T>): void;

test('x', () => {
  expectTypeOf<EventTypeName<C>>().toEqualTypeOf<
    'app.deleted' | 'app.env_var.updated' | 'env_var_updated' | 'app.deployed' | `server.${string}`
  >();
});
export function typed() {
  const target = { id: '1' };
  emit('app.env_var.updated', { target, data: { key: 'A' } });
  emit('env_var_updated', { target, data: { key: 'A' } });
  emit('app.deployed', { data: { commit: 'A' } });
  emit('app.deployed', { version: 1, data: { sha: 'A' } });
  emit('server.note', { message: 'SSH key added' });
  emit('app.deleted', { target, reason: 'x' });
  // @ts-expect-error unknown
  emit('app.env_var.udpated', { target, data: { key: 'A' } });
  // @ts-expect-error wrong
  emit('app.env_var.updated', { target, data: { key: 1 } });
  // @ts-expect-error wrong
  emit('app.env_var.updated', { target, data: { key: 'A', x: 1 } });
  // @ts-expect-error no target
  emit('app.env_var.updated', { data: { key: 'A' } });
  // @ts-expect-error no reason
  emit('app.deleted', { target });
  // @ts-expect-error old data without version
  emit('app.deployed', { data: { sha: 'A' } });
  // @ts-expect-error free form without message
  emit('server.note', { data: { sha: 'A' } });
  category('a', {
    label: 'A',
    icon: 'a',
    // @ts-expect-error prefix
    events: { 'b.x': event({ operation: 'read', label: 'x' }) },
  });
}
