import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { buildCategory } from '../category.ts';
import { event } from '../event-type.ts';

const count = z.int().min(0);
const hash = z.string().min(1);
/** Days by class, and whether what has expired is removed. */
const retention = z.strictObject({
  classes: z.record(z.string(), z.int().min(1)),
  cleanup: z.boolean(),
  /** Since when it is not. */
  stoppedAt: z.iso.datetime().optional(),
  /** By class: up to when its events had expired by the fewer days of then. */
  expiredBefore: z.record(z.string(), z.iso.datetime()).optional(),
});
/** Which quarantined messages a command was about; what is absent did not narrow it. */
const quarantineSelection = z.strictObject({
  /** The first hundred, where they were named one by one. */
  ids: z.array(z.string()).max(100).optional(),
  reasons: z.array(z.string()).optional(),
  topic: z.string().optional(),
  partition: count.optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  state: z.enum(['open', 'replayed', 'discarded', 'all']).optional(),
});
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
    /** How long events are kept was changed by an operator: days of a class, or whether anything expires. */
    'ledger.retention.changed': event({
      operation: 'update',
      label: 'Retention changed',
      severity: 'high',
      data: z.strictObject({
        before: retention,
        after: retention,
        /** Of each class whose days were shortened: what was thereby given up. */
        expiring: z.record(z.string(), count).optional(),
      }),
    }),
    /** Events whose days were over were removed, by an operator's sweep and not by the table itself. */
    'ledger.retention.swept': event({
      operation: 'delete',
      label: 'Expired events removed',
      severity: 'low',
      data: z.strictObject({
        removedRows: count,
        droppedParts: count,
        durationMs: count,
        interrupted: z.boolean(),
        /** By retention class and month, `standard/2026-08`. */
        removed: z.record(z.string(), count),
      }),
    }),
    /** A new table is being filled from Kafka, to take the ledger's place. */
    'ledger.rebuild.started': event({
      operation: 'create',
      label: 'Rebuild started',
      severity: 'medium',
      data: z.strictObject({
        table: hash,
        topic: hash,
        /** First offset that is read from Kafka, by partition; what lies before it is copied. */
        starts: z.array(count),
        resumed: z.boolean(),
      }),
    }),
    /** The rebuilt table has become the ledger; the old one is kept under the rebuilt one's name. */
    'ledger.rebuild.swapped': event({
      operation: 'update',
      label: 'Rebuilt ledger swapped in',
      severity: 'high',
      data: z.strictObject({
        table: hash,
        topic: hash,
        /** Committed offsets of the workers' group at which they were fenced, by partition. */
        fencedAt: z.array(count),
        rows: count,
        /** Rows that only the old table had. */
        copied: count,
      }),
    }),
    /** A swap that was asked for and did not happen: what stood against it. */
    'ledger.rebuild.refused': event({
      operation: 'update',
      label: 'Swap of a rebuilt ledger refused',
      outcome: 'denied',
      severity: 'high',
      data: z.strictObject({ table: hash, topic: hash, why: hash }),
    }),
    /** A table that a rebuild had filled, or had replaced, was dropped with all its rows. */
    'ledger.rebuild.dropped': event({
      operation: 'delete',
      label: 'Rebuild’s table dropped',
      severity: 'high',
      data: z.strictObject({ table: hash, rows: count, was: z.enum(['rebuild', 'replaced']) }),
    }),
    /** Somebody looked into the quarantine: which messages, and how many were shown. */
    'ledger.quarantine.read': event({
      operation: 'read',
      label: 'Quarantine read',
      data: z.strictObject({
        command: z.enum(['list', 'show', 'replay --dry-run', 'discard --dry-run']),
        selection: quarantineSelection,
        messages: count,
      }),
    }),
    /** Before a replay or a discard begins: what is killed in between has been announced. */
    'ledger.quarantine.resolution_started': event({
      operation: 'execute',
      label: 'Quarantine resolution started',
      severity: 'medium',
      data: z.strictObject({
        action: z.enum(['replay', 'discard']),
        /** The same in every row of audit_quarantine_resolutions that the command adds. */
        runId: z.uuid(),
        selection: quarantineSelection,
        messages: count,
        /** SHA-256 of the transform file, where there is one. */
        transform: hash.optional(),
      }),
    }),
    /** Quarantined messages were sent to the topic again, as they were or repaired. */
    'ledger.quarantine.replayed': event({
      operation: 'execute',
      label: 'Quarantine replayed',
      severity: 'medium',
      data: z.strictObject({
        runId: z.uuid(),
        selection: quarantineSelection,
        sent: count,
        /** Their events were in the ledger already. */
        alreadyStored: count,
        /** The same event as another message of the selection. */
        sameEvent: count,
        /** By the transform, as they were. */
        left: count,
        /** By cause; they stay open. */
        refused: z.record(z.string(), count),
        interrupted: z.boolean(),
        transform: hash.optional(),
      }),
    }),
    /** Quarantined messages were said to need no more care. They are still there. */
    'ledger.quarantine.discarded': event({
      operation: 'update',
      label: 'Quarantine discarded',
      severity: 'medium',
      data: z.strictObject({
        runId: z.uuid(),
        selection: quarantineSelection,
        discarded: count,
        interrupted: z.boolean(),
      }),
    }),
    /** Events were taken out of the ledger into a file. */
    'ledger.exported': event({
      operation: 'export',
      label: 'Events exported',
      severity: 'medium',
      data: z.strictObject({
        query: z.string(),
        /** Absent: every tenant's. */
        tenants: z.array(z.string()).optional(),
        format: z.enum(['ndjson', 'csv', 'parquet']),
        storedUntil: z.iso.datetime(),
        rows: count,
        bytes: count,
        sha256: z.string(),
      }),
    }),
    /** Events were exempted from expiry. */
    'ledger.hold.placed': event({
      operation: 'create',
      label: 'Hold placed',
      severity: 'high',
      target: 'hold',
      data: z.strictObject({
        name: z.string(),
        owner: z.string(),
        query: z.string(),
        /** Of the query's dates that name none; absent before it was kept: UTC. */
        timeZone: z.string().optional(),
        /** Absent: every tenant's. */
        tenants: z.array(z.string()).optional(),
        events: count,
      }),
    }),
    /** Events expire again as their classes say. */
    'ledger.hold.released': event({
      operation: 'delete',
      label: 'Hold released',
      severity: 'high',
      target: 'hold',
      data: z.strictObject({ name: z.string(), events: count }),
    }),
    /** Before an erasure's first change: what is killed in between has been announced. */
    'ledger.erasure.started': event({
      operation: 'execute',
      label: 'Erasure started',
      severity: 'high',
      data: z.strictObject({
        /** The same in `ledger.person.erased`, and in the erased events' attributes. */
        erasure: z.string(),
        /** It completes one that had begun and not ended. */
        resumed: z.boolean(),
        /** What there is to erase. */
        events: count,
        quarantined: count,
        /** How many were given. */
        identifiers: count,
        /** Absent: every tenant's. */
        tenants: z.array(z.string()).optional(),
      }),
    }),
    /** A person's values were replaced. Says nothing of who it was: that is what was erased. */
    'ledger.person.erased': event({
      operation: 'delete',
      label: 'Person erased',
      severity: 'high',
      data: z.strictObject({
        /** Stands in the erased events' attributes. */
        erasure: z.string(),
        events: count,
        quarantined: count,
        /** How many were given. */
        identifiers: count,
        /** Absent: every tenant's. */
        tenants: z.array(z.string()).optional(),
      }),
    }),
    /** Somebody looked into the ledger with its own tools. */
    'ledger.read': event({
      operation: 'read',
      label: 'Ledger read',
      data: z.strictObject({
        query: z.string(),
        language: z.enum(['search', 'sql']),
        /** Absent: every tenant's. */
        tenants: z.array(z.string()).optional(),
      }),
    }),
    /**
     * A detector found something unusual. Its id is made of detector, subject and window: found again,
     * it is the same event. Holds ids and figures alone, and lasts longer than what it is about.
     */
    'ledger.finding.reported': event({
      operation: 'create',
      label: 'Unusual activity found',
      severity: 'medium',
      data: z.strictObject({
        detector: hash,
        title: z.string(),
        /** The window in which it happened. */
        since: z.iso.datetime(),
        until: z.iso.datetime(),
        observed: z.number(),
        expected: z.number(),
        /** 1 is just enough, in multiples of the threshold. */
        score: z.number(),
        /** Shows the events, in the language of `ledgerline search`. */
        query: z.string(),
        /** The first of them. */
        eventIds: z.array(z.uuid()).max(100),
      }),
    }),
  },
});

/** Ledgerline's own events. The SDK emits them; no catalog can declare into this category. */
export const ledgerEvents = defineCatalog(ledgerCategory);
