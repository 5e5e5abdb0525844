import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  amendContext,
  createLedger,
  currentContext,
  type AuditEvent,
  type LedgerOptions,
} from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { catalog, lineLogger } from '../catalog.ts';

function open(options: Partial<LedgerOptions<typeof catalog>> = {}) {
  const transport = memoryTransport();
  const logger = lineLogger();
  const ledger = createLedger({ service: 'panel', catalog, transport, logger, ...options });
  onTestFinished(() => ledger.close().then(() => undefined));
  return {
    ledger,
    events: async (): Promise<AuditEvent[]> => {
      await ledger.flush();
      return transport.events().toSorted((a, b) => (a.producer?.seq ?? 0) - (b.producer?.seq ?? 0));
    },
  };
}

const target = { id: 'app_1' };
const ada = { type: 'user', id: 'u_1', name: 'Ada' };
const bob = { type: 'user', id: 'u_2', name: 'Bob' };
const trace = '0af7651916cd43dd8448eb211c80319c';

describe('R-REC-09: a context', () => {
  test('fills what an event leaves out', async () => {
    const { ledger, events } = open();
    const answer = ledger.run(
      {
        tenant: 'acme',
        actor: ada,
        onBehalfOf: bob,
        related: [{ role: 'parent', type: 'server', id: 's_1' }],
        sourceIp: '203.0.113.9',
        correlationId: 'req-1',
        traceId: trace,
        attributes: { 'session.id': 's' },
      },
      () => ledger.emit('app.created', { target, attributes: { 'app.ring': 'beta' } }).status,
    );
    expect(answer).toBe('accepted');
    expect(await events()).toMatchObject([
      {
        tenant: 'acme',
        actor: ada,
        related: [
          { role: 'parent', type: 'server', id: 's_1' },
          { role: 'on_behalf_of', ...bob },
        ],
        sourceIp: '203.0.113.9',
        correlationId: 'req-1',
        traceId: trace,
        attributes: { 'session.id': 's', 'app.ring': 'beta' },
      },
    ]);
  });

  test('stands between what the event says and what the ledger assumes', async () => {
    const { ledger, events } = open({ tenant: 'home', actor: { type: 'system', id: 'cron' } });
    ledger.emit('app.created', { target });
    ledger.run({ actor: ada }, () => {
      ledger.emit('app.created', { target });
      ledger.emit('app.created', { target, actor: bob, tenant: 'acme' });
    });
    expect(await events()).toMatchObject([
      { tenant: 'home', actor: { type: 'system', id: 'cron' } },
      { tenant: 'home', actor: ada },
      { tenant: 'acme', actor: bob },
    ]);
  });

  test('within another adds to it, and ends with its function', async () => {
    const { ledger, events } = open();
    ledger.run({ tenant: 'acme', actor: ada, attributes: { a: '1', b: '1' } }, () => {
      ledger.run({ actor: bob, tenant: undefined, attributes: { b: '2' } }, () => {
        ledger.emit('app.created', { target });
      });
      ledger.emit('app.created', { target });
    });
    expect(currentContext()).toBeUndefined();
    expect(await events()).toMatchObject([
      { tenant: 'acme', actor: bob, attributes: { a: '1', b: '2' } },
      { tenant: 'acme', actor: ada, attributes: { a: '1', b: '1' } },
    ]);
  });

  test('is the same for every ledger of the process, and passes an error on as it is', () => {
    const [one, other] = [open().ledger, open().ledger];
    expect(one.run({ actor: ada }, () => other.emit('app.created', { target }).status)).toBe(
      'accepted',
    );
    const error = new Error('no');
    expect(() =>
      one.run({ actor: ada }, () => {
        throw error;
      }),
    ).toThrow(error);
    expect(currentContext()).toBeUndefined();
  });

  test('follows awaits, timers and ticks; a thousand at once stay apart', async () => {
    const { ledger, events } = open();
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        ledger.run({ actor: { type: 'user', id: `u_${n}` } }, async () => {
          await sleep(n % 7);
          await new Promise<void>((resolve) => setImmediate(resolve));
          await new Promise<void>((resolve) => process.nextTick(resolve));
          ledger.emit('app.created', { target: { id: `app_${n}` } });
        }),
      ),
    );
    const all = await events();
    expect(all).toHaveLength(1_000);
    for (const event of all) expect(event.target?.id.slice(4)).toBe(event.actor.id.slice(2));
  });

  test('of an emitter’s listener is the one that emits', async () => {
    const { ledger } = open();
    const emitter = new EventEmitter();
    const heard = ledger.run({ tenant: 'listens' }, () => once(emitter, 'said'));
    let during: string | undefined;
    ledger.run({ tenant: 'listens' }, () =>
      emitter.on('said', () => (during = currentContext()?.tenant)),
    );
    ledger.run({ tenant: 'emits' }, () => emitter.emit('said'));
    await heard;
    expect(during).toBe('emits');
  });

  test('can be added to on the way', async () => {
    const { ledger, events } = open();
    expect(amendContext({ actor: ada })).toBe(false);
    await ledger.run({ tenant: 'acme' }, async () => {
      await sleep(1);
      expect(amendContext({ actor: ada, attributes: { 'session.id': 's' } })).toBe(true);
      await sleep(1);
      ledger.emit('app.created', { target });
    });
    expect(await events()).toMatchObject([
      { tenant: 'acme', actor: ada, attributes: { 'session.id': 's' } },
    ]);
  });
});

test('R-REC-07: a context that cannot be read stops nobody, and the events say so', async () => {
  const { ledger, events } = open({ actor: ada });
  const broken = Object.create(null, {
    tenant: {
      get: () => {
        throw new Error('no');
      },
    },
  }) as object;
  ledger.run({ correlationId: 'outer' }, () => {
    expect(ledger.run(broken, () => ledger.emit('app.created', { target }).status)).toBe(
      'accepted',
    );
    expect(amendContext(null as unknown as object)).toBe(true);
    ledger.emit('app.created', { target });
  });
  const said = { correlationId: 'outer', attributes: { 'ledger.context': 'unreadable' } };
  expect(await events()).toMatchObject([said, said]);
});

describe('R-REC-01: on whose behalf', () => {
  test('who acts stays the actor; the other is recorded beside them', async () => {
    const { ledger, events } = open();
    const carol = { type: 'user', id: 'u_3' };
    ledger.run({ actor: ada }, () => {
      ledger.actingAs(bob, () => {
        ledger.emit('app.created', { target });
        ledger.actingAs(carol, () => ledger.emit('app.created', { target }));
      });
      ledger.actingAs(bob).emit('app.created', { target });
      ledger.emit('app.created', { target });
    });
    expect((await events()).map(({ actor, related }) => [actor.id, related])).toEqual([
      ['u_1', [{ role: 'on_behalf_of', ...bob }]],
      [
        'u_1',
        [
          { role: 'on_behalf_of', ...bob },
          { role: 'on_behalf_of', ...carol },
        ],
      ],
      ['u_1', [{ role: 'on_behalf_of', ...bob }]],
      ['u_1', undefined],
    ]);
  });

  test('also durably, and the same party once', async () => {
    const { ledger, events } = open({ actor: ada });
    const again = [{ role: 'on_behalf_of', ...bob }];
    const receipt = await ledger.actingAs(bob).record('app.created', { target, related: again });
    expect(receipt.status).toBe('stored');
    expect((await events())[0]?.related).toEqual(again);
  });
});
