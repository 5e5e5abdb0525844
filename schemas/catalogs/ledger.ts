import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { buildCategory } from '../category.ts';
import { event } from '../event-type.ts';

const count = z.int().min(0);
const hash = z.string().min(1);

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
        enabled: z.boolean(),
        level: hash,
        policyHash: hash.optional(),
        previousHash: hash.optional(),
      }),
    }),
    /** What a producer did not store since its last report, by cause: absence explained. */
    'ledger.counters.reported': event({
      operation: 'create',
      label: 'Counters reported',
      data: z.strictObject({
        since: z.iso.datetime(),
        kept: count,
        notStored: z.record(z.string(), count),
      }),
    }),
  },
});

/** Ledgerline's own events. The SDK emits them; no catalog can declare into this category. */
export const ledgerEvents = defineCatalog(ledgerCategory);
