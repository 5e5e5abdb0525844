/** A connection of kafkajs that has nothing to send sleeps, and what had to wait is sent. */
import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mendConnections } from '../../schemas/index.ts';

interface RequestQueue {
  push(request: unknown): void;
  fulfillRequest(response: unknown): void;
  maybeThrottle(ms: number): void;
}

const PATH = 'kafkajs/src/network/requestQueue/index.js';
const load = createRequire(import.meta.url);

/** A class that nobody has mended: the rest of the process keeps its own. */
function freshClass(): new (options: object) => RequestQueue {
  const at = load.resolve(PATH);
  const before = load.cache[at];
  Reflect.deleteProperty(load.cache, at);
  try {
    return load(PATH) as new (options: object) => RequestQueue;
  } finally {
    load.cache[at] = before;
  }
}

function open(Queue: new (options: object) => RequestQueue) {
  const sent: number[] = [];
  const silent = { debug: () => undefined, warn: () => undefined };
  const queue = new Queue({ maxInFlightRequests: 1, requestTimeout: 1_000, logger: silent });
  return {
    sent,
    queue,
    push: (correlationId: number) =>
      queue.push({
        entry: { correlationId, resolve: () => undefined, reject: () => undefined },
        expectResponse: true,
        sendRequest: () => void sent.push(correlationId),
      }),
    answer: (correlationId: number) =>
      queue.fulfillRequest({ correlationId, payload: {}, size: 1 }),
  };
}

const mendedClass = (): new (options: object) => RequestQueue => {
  const Queue = freshClass();
  mendConnections((path) => (path === PATH ? Queue : undefined));
  return Queue;
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('after its answers it waits for nothing', () => {
  const { sent, push, answer } = open(mendedClass());
  push(1);
  push(2);
  answer(1);
  answer(2);
  vi.runOnlyPendingTimers();
  expect(sent).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
});

test('control: kafkajs looks again and again', () => {
  const { push, answer } = open(freshClass());
  push(1);
  answer(1);
  vi.runOnlyPendingTimers();
  expect(vi.getTimerCount()).toBe(1);
});

test('what a broker asked to hold back is sent when the time is over', () => {
  const { sent, queue, push } = open(mendedClass());
  queue.maybeThrottle(500);
  push(1);
  vi.advanceTimersByTime(499);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('mending twice is mending once, and what has another shape is left alone', () => {
  const Queue = mendedClass();
  const once = Queue.prototype as object;
  const method = Reflect.get(once, 'scheduleCheckPendingRequests') as unknown;
  mendConnections((path) => (path === PATH ? Queue : undefined));
  expect(Reflect.get(once, 'scheduleCheckPendingRequests')).toBe(method);
  class Other {}
  expect(() => mendConnections(() => Other)).not.toThrow();
  expect(Object.getOwnPropertyNames(Other.prototype)).toEqual(['constructor']);
});
