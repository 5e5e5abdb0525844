import { LedgerlineError } from '../../schemas/errors.ts';
import { wireInstant } from '../../schemas/instant.ts';
import { QueryError } from '../search/query-error.ts';
import { whenOf } from '../search/when.ts';

/**
 * A moment in a target's life: a Date, or text as `until:` of a query takes it (`2026-11-05`, `7d`,
 * `yesterday`, an ISO 8601 instant).
 */
export type Moment = Date | string;

/**
 * The first microsecond that is behind a moment: what occurred at it, or within the day, minute or second
 * that it names, has happened by then. Pure.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for what is no time
 */
export function endOf(moment: Moment, clock: { nowMs: number; timeZone: string }): number {
  if (moment instanceof Date) {
    if (wireInstant(moment) !== undefined) return (moment.getTime() + 1) * 1000;
    throw invalid('the time is no valid Date', 'Pass a Date between the years 1970 and 2199.');
  }
  try {
    const { start, end } = whenOf(moment, { at: 0, length: moment.length }, clock);
    return Math.max(end, start + 1);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw invalid('the time cannot be read', error.hint);
  }
}

const invalid = (message: string, hint: string): LedgerlineError =>
  new LedgerlineError('CONFIG_INVALID', message, { hint });
