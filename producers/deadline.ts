import { LedgerlineError } from '../schemas/index.ts';

/** Node's timers count no further, 25 days, and take what is longer for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A deadline's timer; none without a deadline. */
export const startDeadline = (onLate: () => void, timeoutMs: number): NodeJS.Timeout | undefined =>
  timeoutMs === Infinity ? undefined : setTimeout(onLate, Math.min(timeoutMs, LONGEST_TIMER_MS));

/** What is wrong with a caller's deadline; undefined when nothing is. */
export function deadlineFault(call: string, timeoutMs: unknown): LedgerlineError | undefined {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return undefined;
  return new LedgerlineError(
    'CONFIG_INVALID',
    `${call}: timeoutMs must be a number of milliseconds, 0 or more.`,
    { hint: 'Infinity is no deadline; without timeoutMs it is 10,000.' },
  );
}

/** Waits for a promise, but no longer than this. Answers whether it was fulfilled in time. */
export async function settlesWithin(
  promise: Promise<unknown>,
  timeoutMs: number,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = startDeadline(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
