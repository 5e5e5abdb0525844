import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { category, defineCatalog, event, sensitive } from '../../../producers/index.ts';
import {
  exercised,
  ledgerMatchers,
  memoryTransport,
  testLedger,
  unexercised,
} from '../../../producers/testing.ts';
import '../../../producers/testing/vitest.ts';
import { createLedger } from '../../../producers/index.ts';

expect.extend(ledgerMatchers);

const catalog = defineCatalog(
  category('shop', {
    label: 'Shop',
    icon: 'store',
    events: {
      'shop.opened': event({ operation: 'create', label: 'Opened', target: 'shop' }),
      'shop.viewed': event({ operation: 'read', label: 'Viewed', target: 'shop' }),
      'shop.order.placed': event({
        operation: 'create',
        label: 'Order placed',
        target: 'order',
        aliases: ['order_placed'],
        data: z.strictObject({
          items: z.array(z.strictObject({ sku: z.string(), count: z.int() })),
          card: sensitive(z.string(), 'hash'),
        }),
      }),
    },
  }),
);
const actor = { type: 'user', id: 'u_7' };

function shop() {
  const ledger = testLedger({ catalog, actor });
  ledger.emit('shop.opened', { target: { id: 's_1' } });
  ledger.emit('shop.viewed', { target: { id: 's_1' }, occurredAt: new Date(0) });
  const data = { items: [{ sku: 'a', count: 2 }], card: '4711' };
  ledger.emit('order_placed', { target: { id: 'o_1' }, data });
  ledger.emit('shop.order.placed', { target: { id: 'o_2', name: 'second' }, data });
  return ledger;
}

/** What the failing matcher says. */
function failure(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it passed');
}

describe('a ledger in memory', () => {
  test('has its events as soon as emit returns, as the table would have them', () => {
    const ledger = shop();
    expect(ledger.events.map(({ type }) => type)).toEqual([
      'shop.opened',
      'shop.viewed',
      'shop.order.placed',
      'shop.order.placed',
    ]);
    expect(ledger.events[1]?.occurredAt).toBe('1970-01-01T00:00:00.000000Z');
    expect(ledger.events[2]?.data?.['card']).toMatch(/^hmac-sha256:test:/);
    expect(ledger.events[0]).toMatchObject({ service: 'test', actor, producer: { seq: 1 } });
    ledger.clear();
    expect(ledger.events).toEqual([]);
  });

  test('hears what is prepared for an outbox', () => {
    const ledger = testLedger({ catalog, actor });
    ledger.prepare('shop.opened', { target: { id: 's_1' } });
    ledger.emit('shop.viewed', { target: { id: 's_1' } });
    expect(ledger.events.map(({ type }) => type)).toEqual(['shop.opened', 'shop.viewed']);
  });

  test('keeps what a policy keeps, where one is given', () => {
    const policy = { version: 1, level: 'writes_only' } as const;
    const ledger = testLedger({ catalog, actor, policy });
    ledger.emit('shop.opened', { target: { id: 's_1' } });
    ledger.emit('shop.viewed', { target: { id: 's_1' } });
    expect(ledger.events.map(({ type }) => type)).toEqual(['shop.opened']);
  });

  test('shows what a service does while Kafka refuses', async () => {
    const ledger = testLedger({ catalog, actor });
    ledger.transport.refuse(() => true);
    const recording = ledger.record('shop.opened', { target: { id: 's_1' } });
    await expect(recording).rejects.toMatchObject({ code: 'KAFKA_REFUSED' });
    ledger.transport.recover();
    await ledger.record('shop.opened', { target: { id: 's_2' } });
  });

  test('says what was not recorded', async () => {
    const ledger = testLedger({ catalog: [...catalog.categories.values()], level: 'writes_only' });
    const emit = ledger.emit.bind(ledger) as (type: string, input: unknown) => unknown;
    emit('shop.opened', { target: { id: 's' } });
    emit('shop.viewed', { target: { id: 's' }, actor });
    expect(ledger.events).toEqual([]);
    expect(ledger.errors.map(({ code }) => code)).toEqual(['EVENT_INVALID']);
    await ledger.close();
  });
});

describe('toHaveAudited', () => {
  test('matches by type or alias, and by what is expected of the event', () => {
    const ledger = shop();
    expect(ledger).toHaveAudited('shop.opened');
    expect(ledger).toHaveAudited('order_placed', { target: { id: 'o_2' } });
    expect(ledger).toHaveAudited('shop.order.placed', { data: { items: [{ sku: 'a' }] } });
    expect(ledger).toHaveAudited('shop.viewed', { id: expect.any(String), outcome: 'success' });
    expect(ledger).toHaveAudited('shop.order.placed', { actor }, { times: 2 });
    expect(ledger).not.toHaveAudited('shop.order.placed', { target: { id: 'o_3' } });
    expect(ledger).not.toHaveAudited('shop.order.placed', { data: { items: [] } });
    expect(ledger).not.toHaveAudited('shop.opened', {}, { times: 2 });
  });

  test('fails with the nearest events and what each misses', () => {
    const ledger = shop();
    const message = failure(() =>
      expect(ledger).toHaveAudited('shop.order.placed', {
        target: { id: 'o_2', name: 'first' },
        outcome: 'success',
      }),
    );
    expect(message).toBe(
      [
        "expected an event shop.order.placed like { target: { id: 'o_2', name: 'first' }, outcome: 'success' }; there is none",
        'nearest: shop.order.placed o_2',
        "  /target/name: expected 'first', found 'second'",
        'nearest: shop.order.placed o_1',
        "  /target/id: expected 'o_2', found 'o_1'",
        "  /target/name: expected 'first', found undefined",
      ].join('\n'),
    );
  });

  test('fails with what was audited instead, the type’s right name, and what was rejected', () => {
    const ledger = shop();
    (ledger.emit as (type: string, input: unknown) => unknown)('shop.opened', {});
    const message = failure(() => expect(ledger).toHaveAudited('shop.order.plaecd'));
    expect(message).toContain('audited: shop.opened (1), shop.viewed (1), shop.order.placed (2)');
    expect(message).toContain('Did you mean "shop.order.placed"?');
    expect(message).toContain('not recorded: EVENT_TARGET_REQUIRED');
    const negated = failure(() => expect(ledger).not.toHaveAudited('shop.opened'));
    expect(negated).toContain('there is one');
  });

  test('takes a memory transport and a list of events too', async () => {
    const transport = memoryTransport();
    const ledger = createLedger({
      service: 'shop',
      catalog,
      transport,
      actor,
      redaction: { key: { id: 'k', secret: 'k'.repeat(16) } },
    });
    ledger.emit('shop.opened', { target: { id: 's_1' } });
    await ledger.close();
    expect(transport).toHaveAudited('shop.opened', { target: { id: 's_1' } });
    expect(transport.events()).toHaveAudited('shop.opened');
    expect(() => expect(7).toHaveAudited('shop.opened')).toThrow('Pass a testLedger');
  });
});

describe('a catalog is exercised', () => {
  test('when every type has an event, but for exceptions', () => {
    const ledger = testLedger({ catalog, actor });
    ledger.emit('shop.opened', { target: { id: 's_1' } });
    expect(unexercised(catalog, ledger)).toEqual(['shop.viewed', 'shop.order.placed']);
    expect(unexercised(catalog, ['shop.viewed'], { except: ['shop.o*'] })).toEqual([]);
    expect(ledger).not.toExerciseCatalog(catalog);
    expect(ledger).toExerciseCatalog(catalog, { except: ['shop.viewed', 'shop.order.*'] });
    expect(failure(() => expect(ledger).toExerciseCatalog(catalog))).toContain('shop.order.placed');
    expect(shop()).toExerciseCatalog(catalog);
    expect(unexercised(catalog, exercised)).toEqual([]);
  });
});
