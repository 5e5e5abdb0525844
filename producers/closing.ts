import type { ClosingOccasion } from './options.ts';

/** What of Node's `process` is needed here. */
type ProcessEvents = Pick<NodeJS.Process, 'on' | 'off' | 'listenerCount' | 'kill' | 'pid'>;

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
    const pass = (): void => {
      target.off(occasion, listener);
      if (occasion === 'beforeExit' || target.listenerCount(occasion) > 0) return;
      target.kill(target.pid, occasion);
    };
    const listener = (): void => {
      if (asked) return;
      asked = true;
      void close().finally(pass);
    };
    target.on(occasion, listener);
    return { occasion, listener };
  });
  return () => {
    for (const { occasion, listener } of listeners) target.off(occasion, listener);
  };
}
