import { expect, test } from 'vitest';
import { auditExpress } from '../../../producers/http/express.ts';
import { auditFastify } from '../../../producers/http/fastify.ts';
import { auditHttp } from '../../../producers/http/node.ts';
import { createLedger } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { actor, catalog, lineLogger } from '../catalog.ts';

/** What the compiler knows; `tsc -p tsconfig.check.json` proves it. */
const ledger = createLedger({
  service: 'panel',
  catalog,
  transport: memoryTransport(),
  logger: lineLogger(),
});
const target = { id: 'x' };
const add = (a: number, b: number): number => a + b;

/** Compiled, never called. */
export function refusedByTheCompiler(): void {
  // @ts-expect-error no such type
  void ledger.execute('app.exploded', { actor, target }, 'ls');
  // @ts-expect-error the target is missing
  void ledger.execute('app.created', { actor }, 'ls');
  // @ts-expect-error the data is of another kind
  void ledger.execute('app.env_var.updated', () => ({ target, data: { key: 7 } }), 'ls');
  // @ts-expect-error arguments are a list
  void ledger.execute('app.created', { target }, 'ls', '-l');
  // @ts-expect-error no such option
  void ledger.execute('app.created', { target }, 'ls', [], { shell: true });
  // @ts-expect-error the reason is missing
  ledger.audited('app.deleted', add, { actor, target });
  // @ts-expect-error what it takes are numbers
  ledger.audited('app.created', add, ({ args: [a] }) => ({ target: { id: a } }));
  // @ts-expect-error no such field of a context
  ledger.run({ colour: 'red' }, () => 1);
  // @ts-expect-error on behalf of a party, not an id
  ledger.actingAs('u_7', () => 1);
  // @ts-expect-error no such type
  auditExpress(ledger, { audit: 'app.exploded' });
  // @ts-expect-error no such type
  auditFastify(ledger, { audit: { 'GET /apps': 'app.exploded' } });
  // @ts-expect-error no such type
  auditHttp(ledger, { audit: { 'GET /apps': { type: 'app.exploded' } } }, () => undefined);
}

test('what compiles keeps its types', () => {
  const audited: (a: number, b: number) => number = ledger.audited(
    'app.created',
    add,
    ({ args: [a], result = 0 }) => ({ actor, target: { id: `${a + result}` } }),
  );
  expect(audited(1, 2)).toBe(3);
  const answer: 'yes' = ledger.run({ tenant: 'acme' }, () => 'yes' as const);
  const other: Promise<number> = ledger.actingAs(actor, () => Promise.resolve(1));
  expect([answer, other instanceof Promise]).toEqual(['yes', true]);
  expect(ledger.actingAs(actor).emit('app.created', { actor, target }).status).toBe('accepted');
});
