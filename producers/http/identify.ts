import { LedgerlineError } from '../../schemas/index.ts';
import { amend, type ContextFields, type Scope } from '../context/context.ts';

/** Whoever it was could not be found out: not the same as nobody. */
const UNKNOWN = { type: 'unknown', id: 'unknown' } as const;

type Said = ContextFields | undefined;
type OnFault = (error: LedgerlineError) => void;

/** The service's question, and what surrounds it. */
export interface Identification<R> {
  readonly identify: (request: R) => Said | Promise<Said>;
  readonly timeoutMs: number;
  readonly onFault: OnFault;
}

/**
 * Asks the service who a request is from, and adds the answer to its context. Undefined: it is
 * done. Otherwise a promise, which is fulfilled in time, whatever the service's function does.
 */
export function introduced<R>(
  scope: Scope,
  request: R,
  { identify, timeoutMs, onFault }: Identification<R>,
): Promise<void> | undefined {
  const failed = (cause: unknown): void => unknown(scope, 'failed', onFault, cause);
  const add = (fields: Said): void => {
    if (fields) amend(scope, fields);
  };
  try {
    const said = identify(request);
    if (isThenable(said)) {
      return inTime(Promise.resolve(said).then(add).catch(failed), timeoutMs, () =>
        unknown(scope, 'late', onFault, undefined),
      );
    }
    add(said);
  } catch (cause) {
    failed(cause);
  }
  return undefined;
}

/** What comes late still counts for the events that come later. */
function inTime(work: Promise<void>, timeoutMs: number, onLate: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      onLate();
      resolve();
    }, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const isThenable = (said: Said | Promise<Said>): said is Promise<Said> =>
  typeof (said as Promise<Said> | undefined)?.then === 'function';

const RULES = { failed: 'failed', late: 'took too long' } as const;

function unknown(scope: Scope, how: keyof typeof RULES, onFault: OnFault, cause: unknown): void {
  amend(scope, { actor: UNKNOWN, attributes: { 'ledger.identify': how } });
  onFault(
    new LedgerlineError('CALLBACK_FAILED', `HTTP middleware: identify ${RULES[how]}.`, {
      hint: 'The request went on, its events by an unknown actor. Let identify answer nothing instead.',
      cause,
    }),
  );
}
