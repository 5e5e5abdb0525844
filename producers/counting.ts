import type { LedgerlineError } from '../schemas/index.ts';
import type { LossCause, Tally } from './counters.ts';
import type { DeliveryListener } from './outbound.ts';

/** Counts what becomes of events whose emitters went on. */
export const countingListener = (
  tally: Tally,
  onLost: (error: LedgerlineError) => void,
): DeliveryListener => ({
  stored: () => {
    tally.stored += 1;
  },
  lost: (cause: LossCause, error: LedgerlineError) => {
    tally.lost[cause] += 1;
    onLost(error);
  },
});
