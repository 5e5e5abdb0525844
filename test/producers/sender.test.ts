import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LossCause } from '../../producers/index.ts';
import { Outbound } from '../../producers/outbound.ts';
import { Sender } from '../../producers/sender.ts';
import { MemoryTransport } from '../../producers/testing.ts';
import type { Transport } from '../../producers/transport.ts';
import { FAULTS, ScriptedLog } from './scripted-log.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

type End =
  { readonly stored: readonly [partition: number, offset: number] } | { readonly lost: LossCause };

function senderOn(
  transport: Transport,
  { maxEvents = 10_000, maxBytes = 1e6, batch = 4, batchBytes = 2_000, flushIntervalMs = 100 } = {},
) {
  const ends = new Map<string, End[]>();
  const trouble: string[] = [];
  const sender = new Sender({
    transport,
    bounds: { maxEvents, maxBytes },
    limits: { maxEvents: batch, maxBytes: batchBytes },
    flushIntervalMs,
    restsWhenIdle: false,
    onTrouble: (error) => trouble.push(error.message),
    onRecovery: () => trouble.push('recovered'),
    onSettled: () => undefined,
  });
  const offer = (id: string, key = id, value = 'x'): boolean => {
    ends.set(id, []);
    return sender.offer(
      new Outbound(id, key, Buffer.from(value), false, {
        stored: (...at) => ends.get(id)?.push({ stored: at }),
        lost: (lost) => ends.get(id)?.push({ lost }),
      }),
    );
  };
  return { sender, offer, ends, trouble };
}

describe('under any faults', () => {
  const faults = fc.array(fc.constantFrom(...FAULTS), { maxLength: 40 });
  const arrivals = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      poisoned: fc.nat(12).map((n) => n === 0),
      // Some arrive together, some while a failed batch waits for its next attempt.
      afterMs: fc.constantFrom(0, 0, 0, 40, 130, 400),
    }),
    { maxLength: 60 },
  );

  test('each event reaches the log, once but for flagged copies, in the order of its key', async () => {
    await fc.assert(
      fc.asyncProperty(faults, arrivals, async (script, all) => {
        const log = new ScriptedLog(script);
        const { sender, offer, ends } = senderOn(log);
        for (const [index, { key, poisoned, afterMs }] of all.entries()) {
          await vi.advanceTimersByTimeAsync(afterMs);
          const id = `${key}${index}`;
          if (poisoned) log.poisoned.add(id);
          offer(id, key);
        }
        const flushed = sender.flushed();
        await vi.advanceTimersByTimeAsync(script.length * 6_000 + 1_000);
        await flushed;

        for (const [id, end] of ends) expectOneEnd(log, id, end);
        expect({ events: sender.buffer.events, bytes: sender.buffer.bytes }).toEqual({
          events: 0,
          bytes: 0,
        });
        if (!script.includes('grows')) {
          for (const partition of log.log.values()) expectOrder(partition);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function expectOneEnd(log: ScriptedLog, id: string, ends: readonly End[]): void {
  const copies = [...log.log.values()].flat().filter((copy) => copy.id === id);
  if (log.poisoned.has(id)) expectRefused(ends, copies);
  else expectStored(log, id, ends, copies);
}

/** The log never had it. */
function expectRefused(ends: readonly End[], copies: readonly unknown[]): void {
  expect({ ends, copies }).toEqual({ ends: [{ lost: 'refused' }], copies: [] });
}

/** It is where its end says, and unflagged once at most. */
function expectStored(
  log: ScriptedLog,
  id: string,
  ends: readonly End[],
  copies: readonly { readonly flagged: boolean }[],
): void {
  const places = ends.flatMap((end) => ('stored' in end ? [end.stored] : []));
  const found = places.map(([partition, offset]) => log.log.get(partition)?.[offset]?.id);
  expect(found).toEqual([id]);
  expect(ends).toHaveLength(1);
  expect(copies.filter(({ flagged }) => !flagged).length).toBeLessThanOrEqual(1);
}

/** First copies of one key's events are in the order they were offered. */
function expectOrder(copies: readonly { readonly id: string; readonly key: string }[]): void {
  const seen = new Map<string, number>();
  for (const { id, key } of new Map(copies.map((copy) => [copy.id, copy])).values()) {
    const number = Number(id.slice(1));
    expect(number).toBeGreaterThan(seen.get(key) ?? -1);
    seen.set(key, number);
  }
}

describe('batches', () => {
  test('R-EDGE-04: what trickles in waits for the interval and leaves together', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { batch: 100 });
    for (let n = 0; n < 9; n += 1) {
      offer(`e${n}`);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(transport.batchSizes).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(transport.batchSizes).toEqual([9]);
  });

  test('R-EDGE-04: 50 events in 10 seconds at an interval of 30 are one batch, at 30', async () => {
    const transport = new MemoryTransport(4);
    const { offer } = senderOn(transport, {
      batch: 500,
      batchBytes: 900_000,
      flushIntervalMs: 30_000,
    });
    for (let n = 0; n < 50; n += 1) {
      offer(`e${n}`);
      await vi.advanceTimersByTimeAsync(200);
    }
    await vi.advanceTimersByTimeAsync(19_999);
    expect(transport.batchSizes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.batchSizes).toEqual([50]);
  });

  test('R-EDGE-04: without an interval nothing waits for company', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { batch: 500, flushIntervalMs: 0 });
    for (let n = 0; n < 3; n += 1) {
      offer(`e${n}`);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(transport.batchSizes).toEqual([1, 1, 1]);
  });

  test('R-EDGE-04: a batch of one is full with the first event', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { batch: 1, flushIntervalMs: 30_000 });
    offer('a');
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.batchSizes).toEqual([1]);
  });

  test('what was asked for at once is tried again soon, not when the interval is over', async () => {
    const transport = new MemoryTransport(1);
    const { sender, offer } = senderOn(transport, { batch: 500, flushIntervalMs: 30_000 });
    transport.fail();
    offer('a');
    const flushed = sender.flushed();
    await vi.advanceTimersByTimeAsync(50);
    transport.recover();
    await vi.advanceTimersByTimeAsync(100);
    expect(transport.batchSizes).toEqual([1]);
    await flushed;
  });

  test('so is what has to find another partition', async () => {
    const log = new ScriptedLog([]);
    const { sender, offer, ends } = senderOn(log, { batch: 500, flushIntervalMs: 30_000 });
    const send = vi.spyOn(log, 'send').mockResolvedValueOnce({ status: 'no_such_partition' });
    offer('a');
    void sender.flushed();
    await vi.advanceTimersByTimeAsync(200);
    expect(send).toHaveBeenCalledTimes(2);
    expect(ends.get('a')).toHaveLength(1);
  });

  test('a full batch leaves at once, and none is larger than the limits', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { batch: 4 });
    for (let n = 0; n < 10; n += 1) offer(`e${n}`);
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.batchSizes).toEqual([4, 4, 2]);
  });

  test('a batch is bounded in bytes; what is larger than that goes alone', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { batch: 100 });
    const sizes = [900, 900, 5_000, 100, 100];
    sizes.forEach((size, n) => offer(`e${n}`, 'k', 'x'.repeat(size)));
    await vi.advanceTimersByTimeAsync(100);
    expect(transport.batchSizes).toEqual([2, 1, 2]);
  });
});

describe('bounds', () => {
  test('a full buffer refuses, in events and in bytes, and takes again when there is room', async () => {
    const transport = new MemoryTransport(1);
    const { offer } = senderOn(transport, { maxEvents: 3, maxBytes: 1_000, batch: 10 });
    expect([offer('a'), offer('b'), offer('c'), offer('d')]).toEqual([true, true, true, false]);
    await vi.advanceTimersByTimeAsync(100);
    expect(offer('e', 'e', 'x'.repeat(700))).toBe(true);
    expect(offer('f', 'f', 'x'.repeat(700))).toBe(false);
  });

  test('events that wait for one unavailable partition do not hold up the others', async () => {
    const log = new ScriptedLog(['partition_unavailable']);
    const { offer, ends, trouble } = senderOn(log);
    for (const key of ['a', 'b', 'c', 'd', 'e']) offer(key);
    await vi.advanceTimersByTimeAsync(101);
    expect([...ends.values()].filter((end) => end.length === 1).length).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(200);
    expect([...ends.values()].every((end) => end.length === 1)).toBe(true);
    expect(trouble).toEqual(['partition', 'recovered']);
  });

  test('an outage is one complaint, however often it is tried', async () => {
    const transport = new MemoryTransport(1);
    transport.fail(new Error('away'));
    const { offer, trouble } = senderOn(transport);
    offer('a');
    await vi.advanceTimersByTimeAsync(60_000);
    transport.recover();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(trouble).toEqual(['away', 'recovered']);
  });
});
