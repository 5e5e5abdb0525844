/**
 * What Kafka holds at the offsets that neither table has. Most are no fault: control records, aborted
 * transactions, events that have outlived their retention. What is left is lost.
 */
import type { ClickHouse } from '../../clickhouse/index.ts';
import type { ConsumedMessage } from '../backlog.ts';
import { type Expiry, judge } from '../judge.ts';
import type { OffsetRange } from '../offset-ranges.ts';
import { absentRanges, type Searched } from './faulty-offsets.ts';
import type { TopicLog } from './topic-log.ts';

export interface Absences {
  /** Offsets that had to be explained, and what they turned out to be. */
  readonly lost: number;
  readonly expired: number;
  readonly noMessage: number;
  /** The first of the lost. */
  readonly ranges: readonly OffsetRange[];
}

export interface KeptFor {
  /** By the engine's clock. */
  readonly nowMs: number;
  /** Of the ledger's events: its clock stands still while their expiry is stopped. */
  readonly expiry: Expiry;
  /** Up to when a class's events had expired by fewer days of once; milliseconds since 1970. */
  readonly expiredBefore: (retentionClass: string) => number;
  /** How long the quarantine keeps what it holds. */
  readonly quarantineDays: number;
}

/** Gaps that lie closer together are read in one go. */
const READ_THROUGH = 1_000;
const DAY_MS = 86_400_000;

export async function explainAbsences(
  clickhouse: ClickHouse,
  log: TopicLog,
  searched: Searched,
  kept: KeptFor,
  shown: number,
  onExamined: (offsets: number) => void,
): Promise<Absences> {
  let expired = 0;
  let lost = 0;
  let absent = 0;
  const found: OffsetRange[] = [];
  const lose = (first: number, last: number): void => {
    lost += last - first + 1;
    const before = found.at(-1);
    if (before?.last === first - 1) found[found.length - 1] = { first: before.first, last };
    else if (found.length < shown) found.push({ first, last });
  };
  for await (const ranges of absentRanges(clickhouse, searched)) {
    for (const { first, last } of ranges) absent += last - first + 1;
    for (const span of spansOf(ranges)) {
      let at = 0;
      const isAbsent = (offset: number): boolean => {
        while ((span[at]?.last ?? offset) < offset) at++;
        return (span[at]?.first ?? Infinity) <= offset;
      };
      const from = (span[0] as OffsetRange).first;
      const to = (span.at(-1) as OffsetRange).last + 1;
      let read = from;
      for await (const piece of log.read(searched.partition, from, to)) {
        if (piece.gone) {
          // Kafka can say no more of it, so it stays what it was: not there.
          for (const part of overlaps(span, read, piece.next - 1)) lose(part.first, part.last);
        }
        for (const message of piece.messages) {
          const offset = Number(message.offset);
          if (!isAbsent(offset)) continue;
          if (hasOutlived(message, kept)) expired++;
          else lose(offset, offset);
        }
        onExamined(piece.next - read);
        read = piece.next;
      }
    }
  }
  return { lost, expired, noMessage: absent - lost - expired, ranges: found };
}

const overlaps = (span: readonly OffsetRange[], from: number, to: number): OffsetRange[] =>
  span
    .map(({ first, last }) => ({ first: Math.max(first, from), last: Math.min(last, to) }))
    .filter(({ first, last }) => first <= last);

function spansOf(ranges: readonly OffsetRange[]): OffsetRange[][] {
  const spans: OffsetRange[][] = [];
  for (const range of ranges) {
    const span = spans.at(-1);
    const before = span?.at(-1);
    if (span && before && range.first - before.last < READ_THROUGH) span.push(range);
    else spans.push([range]);
  }
  return spans;
}

/** The ledger drops an event when its class says so; the quarantine drops what it holds by the time it came. */
function hasOutlived({ value, timestamp }: ConsumedMessage, kept: KeptFor): boolean {
  const { expiry, quarantineDays, nowMs } = kept;
  if (value && expiredBy(value, kept)) return true;
  // Whatever the ledger would not take was quarantined.
  const wasTaken =
    value !== null && value.length > 0 && judge(value, { ...expiry, nowMs }).kind !== 'rejected';
  return !wasTaken && Number(timestamp) + quarantineDays * DAY_MS < nowMs;
}

function expiredBy(value: Buffer, { expiry, expiredBefore }: KeptFor): boolean {
  let row: unknown;
  try {
    row = JSON.parse(value.toString('utf8'));
  } catch {
    return false;
  }
  const { occurred_at: at, retention_class: name } = (row ?? {}) as Record<string, unknown>;
  if (typeof at !== 'string') return false;
  const ofClass = typeof name === 'string' ? name : 'standard';
  const days = expiry.daysOf(ofClass) ?? Number.NaN;
  const occurred = Date.parse(at);
  return occurred + days * DAY_MS <= expiry.nowMs || occurred <= expiredBefore(ofClass);
}
