import { setTimeout as sleep } from 'node:timers/promises';

interface Waiting<T> {
  /** For the message of the deadline: "the first rows are stored". */
  readonly what: string;
  readonly ask: () => Promise<T>;
  readonly holds: (answer: T) => boolean;
  /** 100 when absent. */
  readonly everyMs?: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Asks again and again until it holds. Throws at the deadline, or when the signal says so. */
export async function until<T>(waiting: Waiting<T>): Promise<T> {
  const { what, ask, holds, everyMs = 100, timeoutMs, signal } = waiting;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}.`);
    }
    await sleep(everyMs, undefined, { signal });
  }
}
