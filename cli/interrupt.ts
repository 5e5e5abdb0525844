/** Ctrl-C once: stop taking more, finish what was taken. Twice: at once. */

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Turns the first SIGINT or SIGTERM into an aborted signal; the second ends the process at once,
 * with the exit code that shells expect (128 and the signal's number).
 */
export function interruptible(): Interruption {
  const controller = new AbortController();
  const hear = (_: NodeJS.Signals, number: number): void => {
    if (controller.signal.aborted) process.exit(128 + number);
    controller.abort();
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', hear);
      process.off('SIGTERM', hear);
    },
  };
}
