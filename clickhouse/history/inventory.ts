import { formatMicros } from '../../schemas/instant.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions, inTime, timeZoneOf } from '../search/ask.ts';
import { Hindsight } from './hindsight.ts';
import { endOf, type Moment } from './moment.ts';
import { Rebuilding } from './rebuilding.ts';
import { stateOf, type TargetState } from './state.ts';
import { eventsInOrder, isText, wholeSince } from './target-events.ts';

/** Reads and runs change nothing; they would be most of what is read. */
const CHANGING = "(operation IN ('create', 'update', 'delete') OR notEmpty(changes))";

/**
 * Every target of a type that there is at a moment, as the events say: created, or changed and created before
 * the ledger's first event, and not deleted; events that came later tell as much as for `stateAt`. By tenant and id. A target of which there are only reads and
 * runs is not listed.
 *
 * Streams: ClickHouse sorts on disk where it is much, and one record at a time is held here.
 *
 * @throws as `stateAt`, when the first target is asked for
 *
 * @example
 * for await (const { target, record } of inventory(clickhouse, 'app', '2026-11-05', { tenant: 'acme' })) {
 *   console.log(target.id, record);
 * }
 */
export async function* inventory(
  clickhouse: ClickHouse,
  type: string,
  moment: Moment,
  options: AskOptions,
): AsyncGenerator<TargetState, void> {
  const nowMs = (options.now ?? new Date()).getTime();
  const before = endOf(moment, { nowMs, timeZone: timeZoneOf(options) });
  const end = formatMicros(before) ?? '';
  const coveredSince = await wholeSince(clickhouse, options);
  const reading = { byTarget: true, also: CHANGING };
  const events = eventsInOrder(clickhouse, isText('target_type', type), options, reading);
  let rebuilding = new Rebuilding();
  let hindsight: Hindsight | undefined;
  let at: { readonly tenant: string; readonly id: string } | undefined;
  const state = (): TargetState[] => {
    if (at === undefined || (hindsight ?? rebuilding).existence !== 'exists') return [];
    const about = { target: { type, id: at.id }, tenant: at.tenant, before };
    return [stateOf(rebuilding, { ...about, hindsight, coveredSince })];
  };
  try {
    for (;;) {
      const next = await inTime(options, () => events.next());
      if (next.done === true) break;
      const { tenant, target } = next.value;
      const id = target?.id ?? '';
      if (at === undefined || tenant !== at.tenant || id !== at.id) {
        yield* state();
        at = { tenant, id };
        rebuilding = new Rebuilding();
        hindsight = undefined;
      }
      if (String(next.value.occurredAt) < end) rebuilding.take(next.value);
      else {
        hindsight ??= new Hindsight(rebuilding, before > coveredSince);
        hindsight.take(next.value);
      }
    }
    yield* state();
  } finally {
    await events.return();
  }
}
