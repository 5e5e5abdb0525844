import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { closeOnOccasions, doFirst } from '../../producers/closing.ts';
import { lineLogger } from './catalog.ts';

/** Of a process, what matters here. */
class FakeProcess extends EventEmitter {
  readonly pid = 42;
  readonly killed: unknown[] = [];
  kill(pid: number, signal: unknown): true {
    this.killed.push([pid, signal]);
    return true;
  }
}

function closing(occasions: Parameters<typeof closeOnOccasions>[0]) {
  const target = new FakeProcess();
  let finish: () => void = () => undefined;
  let closes = 0;
  const close = (): Promise<void> => {
    closes += 1;
    return new Promise((resolve) => (finish = resolve));
  };
  const stop = closeOnOccasions(occasions, close, target);
  const finished = async (): Promise<void> => {
    finish();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { target, stop, finished, closes: () => closes };
}

describe('R-EDGE-06: closing on a signal', () => {
  test('closes first, then lets the signal do what it would have done', async () => {
    const { target, finished, closes } = closing(['SIGTERM', 'SIGINT']);
    target.emit('SIGTERM');
    expect({ closes: closes(), killed: target.killed }).toEqual({ closes: 1, killed: [] });
    await finished();
    expect(target.killed).toEqual([[42, 'SIGTERM']]);
  });

  test('a service that listens itself decides itself', async () => {
    const { target, finished } = closing(['SIGTERM']);
    target.on('SIGTERM', () => undefined);
    target.emit('SIGTERM');
    await finished();
    expect(target.killed).toEqual([]);
  });

  test.each(['before', 'after'])('so does one that listens once, %s the ledger', async (when) => {
    const user = new FakeProcess();
    const shutDown = (): void => undefined;
    if (when === 'before') user.once('SIGTERM', shutDown);
    for (let ledgers = 0; ledgers < 2; ledgers += 1)
      closeOnOccasions(['SIGTERM'], () => Promise.resolve(), user);
    if (when === 'after') user.once('SIGTERM', shutDown);
    user.emit('SIGTERM');
    await new Promise((resolve) => setImmediate(resolve));
    expect(user.killed).toEqual([]);
  });

  test('of two ledgers the last to close raises it, once', async () => {
    const { target, finished } = closing(['SIGTERM']);
    let second: () => void = () => undefined;
    const close = (): Promise<void> => new Promise((resolve) => (second = resolve));
    closeOnOccasions(['SIGTERM'], close, target);
    target.emit('SIGTERM');
    await finished();
    expect(target.killed).toEqual([]);
    second();
    await finished();
    expect(target.killed).toEqual([[42, 'SIGTERM']]);
  });

  test('a second signal changes nothing: closing has its own deadline', async () => {
    const { target, finished, closes } = closing(['SIGINT']);
    target.emit('SIGINT');
    target.emit('SIGINT');
    expect(closes()).toBe(1);
    await finished();
    expect(target.killed).toEqual([[42, 'SIGINT']]);
  });

  test('beforeExit closes, and raises nothing', async () => {
    const { target, finished, closes } = closing(['beforeExit']);
    target.emit('beforeExit', 0);
    await finished();
    expect({ closes: closes(), killed: target.killed }).toEqual({ closes: 1, killed: [] });
  });

  test('a ledger that was closed by hand no longer listens', () => {
    const { target, stop, closes } = closing(['SIGTERM', 'SIGINT', 'beforeExit']);
    stop();
    for (const occasion of ['SIGTERM', 'SIGINT', 'beforeExit']) target.emit(occasion);
    expect(closes()).toBe(0);
  });
});

describe('R-EDGE-06: what comes before a close by itself', () => {
  test('is waited for, and nothing is said', async () => {
    const logger = lineLogger();
    let finish: () => void = () => undefined;
    let done = false;
    const waiting = doFirst(() => new Promise<void>((resolve) => (finish = resolve)), logger).then(
      () => (done = true),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    finish();
    await waiting;
    expect(logger.lines).toEqual([]);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('no')), 'closeAfter failed'],
    ['throws', () => JSON.parse('{') as unknown, 'closeAfter failed'],
    ['hangs', () => new Promise(() => undefined), 'closeAfter takes too long'],
  ])('does not hold the close up when it %s', async (_, first, line) => {
    const logger = lineLogger();
    await doFirst(first, logger, 1);
    expect(logger.lines.join()).toContain(line);
  });
});
