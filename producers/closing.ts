import type { EventEmitter } from 'node:events';
import { settlesWithin } from './deadline.ts';
import type { Logger } from './logger.ts';
import { DEFAULTS, type ClosingOccasion } from './options.ts';

/** What of Node's `process` is needed here. */
type ProcessEvents = Pick<EventEmitter, 'prependListener' | 'off' | 'listeners'> &
  Pick<NodeJS.Process, 'kill' | 'pid'>;

/** On the listeners of all ledgers, whichever copy of this package made them: only others decide. */
const OURS = Symbol.for('ledgerline.closing');

/**
 * Closes when the process is asked to end, or has nothing left to do. A signal keeps its meaning:
 * when nobody else listens for it, it is raised again afterwards, and ends the process as it would
 * have. It may come twice (a terminal's Ctrl-C under npm does): closing has a deadline of its own,
 * and further ones change nothing. Answers how to stop listening.
 */
export function closeOnOccasions(
  occasions: readonly ClosingOccasion[],
  close: () => Promise<unknown>,
  target: ProcessEvents = process,
): () => void {
  const listeners = occasions.map((occasion) => {
    let asked = false;
    const listener = (): void => {
      if (asked) return;
      asked = true;
      // Asked now: who listens `once` is gone by the time that the close is over, but not done.
      const othersDecide = target.listeners(occasion).some((each) => !(OURS in each));
      void close().finally(() => {
        target.off(occasion, listener);
        if (occasion === 'beforeExit' || othersDecide) return;
        if (target.listeners(occasion).length === 0) target.kill(target.pid, occasion);
      });
    };
    // First of all, while those who listen `once` are still there to be seen.
    target.prependListener(occasion, Object.assign(listener, { [OURS]: true }));
    return { occasion, listener };
  });
  return () => {
    for (const { occasion, listener } of listeners) target.off(occasion, listener);
  };
}

/**
 * Does what is to be done before the close, and waits for it, but not for ever: what holds it up or
 * goes wrong is told, and the close comes all the same. Never rejects.
 */
export async function doFirst(
  first: () => unknown,
  logger: Logger,
  timeoutMs: number = DEFAULTS.closeAfterTimeoutMs,
): Promise<void> {
  try {
    const done = Promise.resolve(first());
    if (await settlesWithin(done, timeoutMs)) return;
    logger.warn(
      { timeoutMs },
      'closeAfter takes too long; the ledger closes without waiting for it',
    );
  } catch (error) {
    logger.error({ error }, 'closeAfter failed; the ledger closes all the same');
  }
}
