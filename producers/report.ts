import { notStored, type Counters } from './counters.ts';

/** When the counters are recorded as an event. */
export type ReportOccasion = 'start' | 'interval' | 'close';

/** Reports now, and from time to time. Answers how to stop. */
export function reportRegularly(
  everyMs: number,
  report: (occasion: ReportOccasion) => void,
): () => void {
  report('start');
  const timer = setInterval(() => report('interval'), everyMs).unref();
  return () => clearInterval(timer);
}

/** What a ledger counts. */
interface Counted {
  readonly since: Date;
  readonly lastSeq: number;
  readonly counters: Counters;
  /** Of events that earlier processes left on disk. */
  readonly recovered: Counters;
}

const byCause = (counters: Counters): Record<string, Record<string, number>> =>
  Object.fromEntries(
    Object.entries(counters.byCategory())
      .map(([category, counts]) => [category, notStored(counts)] as const)
      .filter(([, causes]) => Object.keys(causes).length > 0),
  );

/** The data of `ledger.counters.reported`. */
export function reportOf(
  occasion: ReportOccasion,
  { since, lastSeq, counters, recovered }: Counted,
): Readonly<Record<string, unknown>> {
  const { emitted, accepted, prepared, stored, pending } = counters.total();
  const { accepted: taken, stored: sent, pending: waiting } = recovered.total();
  const report = {
    occasion,
    since: since.toISOString(),
    lastSeq,
    emitted,
    accepted,
    ...(prepared > 0 && { prepared }),
    stored,
    pending,
    notStored: byCause(counters),
  };
  if (taken === 0) return report;
  const notSent = byCause(recovered);
  return { ...report, recovered: { taken, stored: sent, pending: waiting, notStored: notSent } };
}
