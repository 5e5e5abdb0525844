/** Heartbeats for the times in which kafkajs sends none: it sends them between fetches alone. */
import { pause } from './backoff.ts';

/**
 * Does `work` with a heartbeat every so often beside it. One that is refused is left to kafkajs, which
 * sends the next when it fetches, and joins again.
 */
export async function withHeartbeats<T>(
  beat: () => Promise<unknown>,
  everyMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const beating = (async () => {
    for (;;) {
      await pause(everyMs, done.signal);
      if (done.signal.aborted) return;
      await beat().catch(() => undefined);
    }
  })();
  void beating;
  try {
    return await work();
  } finally {
    done.abort();
  }
}
