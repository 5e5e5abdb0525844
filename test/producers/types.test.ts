import { describe, expect, test } from 'vitest';
import { createLedger, infrastructure, type Ledger, type Receipt } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';
import { actor, app, catalog, lineLogger, security } from './catalog.ts';

/**
 * What the compiler knows of a ledger. `tsc -p tsconfig.check.json` is what proves these: a line
 * marked as an error that compiles fails the check.
 */
const options = { service: 'panel', transport: memoryTransport(), logger: lineLogger() };
const ledger = createLedger({ ...options, catalog });
const target = { id: 'x' };

/** Compiled, never called. */
export function refusedByTheCompiler(): void {
  // @ts-expect-error no such type
  ledger.emit('app.exploded', { actor, target });
  // @ts-expect-error the category takes no free-form types
  ledger.emit('app.anything', { actor, message: 'x' });
  // @ts-expect-error the target is missing
  ledger.emit('app.created', { actor });
  // @ts-expect-error the reason is missing
  ledger.emit('app.deleted', { actor, target });
  // @ts-expect-error the data is missing
  ledger.emit('app.env_var.updated', { actor, target });
  // @ts-expect-error the data is of another kind
  ledger.emit('app.env_var.updated', { actor, target, data: { key: 7 } });
  // @ts-expect-error a field that no event has
  ledger.emit('app.created', { actor, target, colour: 'red' });
  // @ts-expect-error a free-form event needs its message
  ledger.emit('server.note', { actor });
  // @ts-expect-error the same through record
  void ledger.record('app.exploded', { actor, target });
  // @ts-expect-error no such level
  createLedger({ ...options, catalog, level: 'some' });
  // @ts-expect-error no such option
  createLedger({ ...options, catalog, flushInterval: 30 });
  const receipt: Receipt = ledger.emit('app.created', { actor, target });
  // @ts-expect-error only an accepted event has an id
  receipt.id.trim();
}

describe('what compiles works', () => {
  test('types, aliases, free-form types, versions', () => {
    const receipts: Receipt[] = [
      ledger.emit('app.env_var.updated', { actor, target, data: { key: 'A' } }),
      ledger.emit('env_changed', { actor, target, data: { key: 'A', restart: true }, version: 1 }),
      ledger.emit('health_check', { actor }),
      ledger.emit('app.deleted', { actor, target, reason: 'moved' }),
      ledger.emit('server.anything.at_all', { actor, message: 'Rebooted', data: { by: 'cron' } }),
    ];
    expect(receipts.map(({ status }) => status)).toEqual(receipts.map(() => 'accepted'));
  });

  test('several parts make one catalog', () => {
    const combined = createLedger({ ...options, catalog: [app, security] });
    expect(combined.emit('security.key.viewed', { actor, target }).status).toBe('accepted');
    expect(combined.emit('app.created', { actor, target }).status).toBe('accepted');
    // @ts-expect-error not among the parts
    expect(combined.emit('server.note', { actor, message: 'x' }).status).toBe('rejected');
  });

  test('R-REC-03: built-in parts combine with those of a service', () => {
    const combined = createLedger({ ...options, catalog: [infrastructure, security] });
    expect(combined.emit('security.key.viewed', { actor, target }).status).toBe('accepted');
  });

  test('a ledger passes where any ledger is wanted', () => {
    const anyLedger: Pick<Ledger, 'flush' | 'close' | 'stats' | 'producerId'> = ledger;
    expect(anyLedger.producerId).toMatch(/^[0-9a-f-]{36}$/u);
  });
});
