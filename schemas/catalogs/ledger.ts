import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { buildCategory } from '../category.ts';
import { event } from '../event-type.ts';

const count = z.int().min(0);
const hash = z.string().min(1);
const countsByCause = z.record(z.string(), z.record(z.string(), count));

const ledgerCategory = buildCategory('ledger', {
  label: 'Ledger',
  icon: 'scroll-text',
  events: {
    /** What a producer keeps from now on: at its start and whenever its policy changes. */
    'ledger.policy.changed': event({
      operation: 'update',
      label: 'Recording policy changed',
      severity: 'medium',
      data: z.strictObject({
        /** Why: the process started, the policy was replaced, or a rule of it expired. */
        cause: z.enum(['start', 'reload', 'expiry']),
        enabled: z.boolean(),
        level: hash,
        /** SHA-256 of its content; the same in every process that has the same policy. */
        policyHash: hash,
        previousHash: hash.optional(),
        /** The first producer_seq of this producer that the policy decided on. */
        fromSeq: z.int().min(1),
        /** Rules of it that no longer apply. */
        expiredRules: z.array(z.string()).optional(),
        /** The policy itself, unless it is larger than 32 KiB. */
        policy: z.record(z.string(), z.unknown()).optional(),
      }),
    }),
    /**
     * What became of a producer's events since its start, this one not yet counted. With the
     * sequence numbers that are stored, the last report of a producer explains every absence:
     * `lastSeq` = stored + pending + lost + those rejected as `queue_full` or `spool_full`.
     */
    'ledger.counters.reported': event({
      operation: 'create',
      label: 'Counters reported',
      data: z.strictObject({
        occasion: z.enum(['start', 'interval', 'close']),
        since: z.iso.datetime(),
        /** The last producer_seq given before this event's own. */
        lastSeq: count,
        emitted: count,
        accepted: count,
        prepared: count.optional(),
        stored: count,
        /** In memory or on disk, not yet in Kafka. */
        pending: count,
        /** By category and cause. */
        notStored: countsByCause,
        /** Events that earlier processes left on disk, where there were any. */
        recovered: z
          .strictObject({
            taken: count,
            stored: count,
            pending: count,
            notStored: countsByCause,
          })
          .optional(),
      }),
    }),
  },
});

/** Ledgerline's own events. The SDK emits them; no catalog can declare into this category. */
export const ledgerEvents = defineCatalog(ledgerCategory);
