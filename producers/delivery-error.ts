import { LedgerlineError } from '../schemas/index.ts';

/**
 * An event was accepted, and its delivery is not certain. To say it again, pass `eventId` as the
 * event's `id`: the ledger then stores it once, whatever arrived before.
 */
export class DeliveryError extends LedgerlineError {
  override readonly name = 'DeliveryError';
  readonly eventId: string;

  constructor(eventId: string, { code, message, hint, retryable, cause }: LedgerlineError) {
    super(code, message, { hint, retryable, cause });
    this.eventId = eventId;
  }
}
