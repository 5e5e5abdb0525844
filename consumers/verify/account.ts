/** Explains absent sequence numbers by what their producers reported. Pure. */

export interface CountersReport {
  /** When it was made, in milliseconds since 1970. */
  readonly atMs: number;
  /** The `data` of the last report, as JSON text, and of the last one before the time in question. */
  readonly data: string;
  readonly before: string;
}

/** A producer of whose numbers `base + 1` to `last` some are absent. */
export interface Sequence {
  readonly producerId: string;
  readonly service: string;
  readonly base: number;
  readonly last: number;
  readonly absent: number;
  readonly report: CountersReport | undefined;
}

export interface Accounted {
  readonly lost: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly undecided: number;
  readonly unexplained: number;
  /** With unexplained absences, the most first. */
  readonly suspects: readonly { readonly sequence: Sequence; readonly unexplained: number }[];
}

/**
 * Causes that leave a gap: the number was given before the event was lost. Filtered and invalid events
 * never get one (docs/producer.md, "Receipts and counters").
 */
const GAP_CAUSES: ReadonlySet<string> = new Set([
  'queue_full',
  'spool_full',
  'too_large',
  'refused',
  'abandoned',
]);

/** A process that has reported so lately may still hold what it calls pending; a dead one does not. */
const ALIVE_MS = 15 * 60_000;

/**
 * @param notConsumed messages that Kafka still holds for the workers: as many absences may be among them
 * @example
 * account([{ producerId, service: 'panel', base: 0, last: 9, absent: 1, report: undefined }], { nowMs, notConsumed: 0 }).unexplained; // 1
 */
export function account(
  sequences: readonly Sequence[],
  { nowMs, notConsumed }: { readonly nowMs: number; readonly notConsumed: number },
): Accounted {
  const lost: Record<string, number> = {};
  let pending = 0;
  let undecided = 0;
  const suspects: { sequence: Sequence; unexplained: number }[] = [];
  for (const sequence of sequences) {
    let left = sequence.absent;
    const reported = read(sequence.report?.data);
    const before = read(sequence.report?.before);
    for (const [cause, count] of reported.gaps) {
      const explained = Math.min(left, Math.max(0, count - (before.gaps.get(cause) ?? 0)));
      if (explained > 0) lost[cause] = (lost[cause] ?? 0) + explained;
      left -= explained;
    }
    // At its close, what a producer calls pending lies in its spool, and its next start sends it.
    const holds = reported.occasion === 'close' || nowMs - (sequence.report?.atMs ?? 0) < ALIVE_MS;
    const waiting = holds ? Math.min(left, reported.pending) : 0;
    pending += waiting;
    left -= waiting;
    const open = Math.min(left, notConsumed - undecided);
    undecided += open;
    left -= open;
    if (left > 0) suspects.push({ sequence, unexplained: left });
  }
  suspects.sort((a, b) => b.unexplained - a.unexplained);
  const unexplained = suspects.reduce((sum, suspect) => sum + suspect.unexplained, 0);
  return { lost, pending, undecided, unexplained, suspects };
}

interface Reported {
  readonly occasion: string;
  readonly pending: number;
  readonly gaps: ReadonlyMap<string, number>;
}

/** Reports come through the ledger, from any producer: what is not as the catalog says counts as nothing. */
function read(text: string | undefined): Reported {
  const gaps = new Map<string, number>();
  const nothing: Reported = { occasion: '', pending: 0, gaps };
  let data: unknown;
  try {
    data = JSON.parse(text ?? '');
  } catch {
    return nothing;
  }
  if (typeof data !== 'object' || data === null) return nothing;
  const { occasion, pending, notStored } = data as Readonly<Record<string, unknown>>;
  for (const causes of Object.values(notStored ?? {}) as unknown[]) {
    for (const [cause, count] of Object.entries(causes ?? {}) as [string, unknown][]) {
      if (GAP_CAUSES.has(cause)) gaps.set(cause, (gaps.get(cause) ?? 0) + natural(count));
    }
  }
  return {
    occasion: typeof occasion === 'string' ? occasion : '',
    pending: natural(pending),
    gaps,
  };
}

const natural = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
