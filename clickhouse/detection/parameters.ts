/** What every detector's query is given, beside its own thresholds; and the pieces of SQL that use it. */

/** Findings must not lead to findings. */
const NOT_A_FINDING = "event_type != 'ledger.finding.reported'";

/** The tenants that are asked for. */
export const SCOPE = `({every:UInt8} = 1 OR tenant_id IN {tenants:Array(String)}) AND ${NOT_A_FINDING}`;

/** Start of the history that is read: `historyDays` before the day. */
export const HISTORY = "toDateTime({history:UInt32}, 'UTC')";
/** Midnight (UTC) of the day in question: what lies before it is history. */
export const DAY = "toDateTime({day:UInt32}, 'UTC')";
/** The stretch of that day that is looked at; on whole hours, `TO` not in it. */
export const FROM = "toDateTime({from:UInt32}, 'UTC')";
export const TO = "toDateTime({to:UInt32}, 'UTC')";

/** One day, or a part of it. Seconds since 1970. */
export interface Stretch {
  readonly day: number;
  readonly from: number;
  readonly to: number;
}

const HOUR_S = 3_600;
const DAY_S = 86_400;

/**
 * A stretch of time as days of UTC, on whole hours: the hour in which it starts is looked at whole, and
 * so is the last one. History always ends at midnight: whoever asks again, for whatever stretch, compares
 * with the same. Pure.
 *
 * @example
 * stretchesOf(new Date('2026-11-20T22:30:00Z'), new Date('2026-11-21T01:00:00Z')).length; // 2
 */
export function stretchesOf(since: Date, until: Date): Stretch[] {
  const first = Math.floor(since.getTime() / 1000 / HOUR_S) * HOUR_S;
  const last = Math.ceil(until.getTime() / 1000 / HOUR_S) * HOUR_S;
  const stretches: Stretch[] = [];
  for (let from = first; from < last;) {
    const day = Math.floor(from / DAY_S) * DAY_S;
    const to = Math.min(last, day + DAY_S);
    stretches.push({ day, from, to });
    from = to;
  }
  return stretches;
}
