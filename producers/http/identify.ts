import { LedgerlineError } from '../../schemas/index.ts';
import type { ContextFields } from '../context/context.ts';

/** Whoever it was could not be found out: not the same as nobody. */
const UNKNOWN = { type: 'unknown', id: 'unknown' } as const;

const unknown = (how: 'failed' | 'late'): ContextFields => ({
  actor: UNKNOWN,
  attributes: { 'ledger.identify': how },
});

/**
 * Asks the service who a request is from. Never throws or rejects, and answers in time, whatever
 * the service's function does; its faults go to `onFault`.
 */
export function identified<R>(
  identify: (request: R) => ContextFields | undefined | Promise<ContextFields | undefined>,
  request: R,
  timeoutMs: number,
  onFault: (error: LedgerlineError) => void,
): ContextFields | Promise<ContextFields> {
  const failed = (cause: unknown): ContextFields => {
    onFault(fault('failed', cause));
    return unknown('failed');
  };
  try {
    const said = identify(request);
    if (!(said instanceof Promise)) return said ?? {};
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        onFault(fault(`took longer than ${timeoutMs} ms`));
        resolve(unknown('late'));
      }, timeoutMs);
      said.then(
        (fields) => {
          clearTimeout(timer);
          resolve(fields ?? {});
        },
        (error: unknown) => {
          clearTimeout(timer);
          resolve(failed(error));
        },
      );
    });
  } catch (error) {
    return failed(error);
  }
}

const fault = (what: string, cause?: unknown): LedgerlineError =>
  new LedgerlineError('CALLBACK_FAILED', `HTTP middleware: identify ${what}.`, {
    hint: 'The request went on, its events by an unknown actor. Let identify answer nothing instead.',
    cause,
  });
