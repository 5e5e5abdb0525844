import { LedgerlineError } from '../schemas/errors.ts';

/** Why a worker would not start, or stopped by itself. */
export class WorkerError extends LedgerlineError {
  override readonly name = 'WorkerError';
}
