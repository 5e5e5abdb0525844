import type { LedgerlineError } from '../schemas/index.ts';
import type { Logger } from './logger.ts';

/** So many different complaints are told apart; after that the counters alone go on. */
const REMEMBERED_COMPLAINTS = 256;

/**
 * Says that events are not recorded: each kind once in the log, each event to `onError`. Neither
 * the logger nor `onError` can do harm: they are the service's, and `emit` never throws.
 */
export class Complaints {
  readonly #logger: Logger;
  readonly #onError: ((error: LedgerlineError) => void) | undefined;
  readonly #known = new Set<string>();

  constructor(logger: Logger, onError: ((error: LedgerlineError) => void) | undefined) {
    this.#logger = logger;
    this.#onError = onError;
  }

  /** An event that is not recorded; `error` names its type, and so tells the kinds apart. */
  about(error: LedgerlineError): void {
    try {
      this.#logOnce(error);
      this.#onError?.(error);
    } catch {
      // Whoever listens badly hears nothing; the counters have it.
    }
  }

  #logOnce(error: LedgerlineError): void {
    const kind = `${error.code} ${error.message}`;
    if (this.#known.has(kind) || this.#known.size >= REMEMBERED_COMPLAINTS) return;
    this.#known.add(kind);
    const { code, hint } = error;
    this.#logger.error({ error, code, hint }, 'an event is not recorded; more like it are counted');
  }
}
