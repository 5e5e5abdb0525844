/** Heartbeats for the times in which kafkajs sends none: it sends them between fetches alone. */
import { pause } from './backoff.ts';

/**
 * Does `work` with a heartbeat every so often beside it. The first that fails is the last, and aborts
 * `lost`. Work that ends well all the same has done so: kafkajs sends the next heartbeat when it fetches.
 *
 * @throws what failed the heartbeat, where the work fails after it: kafkajs then joins again
 */
export async function withHeartbeats<T>(
  beat: () => Promise<unknown>,
  everyMs: number,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const lost = new AbortController();
  const beating = async (): Promise<void> => {
    for (;;) {
      await pause(everyMs, done.signal);
      if (done.signal.aborted) return;
      await beat();
    }
  };
  beating().catch((refusal: unknown) => lost.abort(refusal));
  try {
    return await work(lost.signal);
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    done.abort();
  }
}
