/** How long to wait before the next attempt: full jitter under a doubling cap, in milliseconds. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const cap = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt, 20));
  return Math.max(MIN_BACKOFF_MS, Math.floor(random() * cap));
}

const FIRST_BACKOFF_MS = 200;
const MIN_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 15_000;

/** Waits, or returns early when `signal` says that waiting is over. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
