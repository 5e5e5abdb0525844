import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions, inTime, timeZoneOf } from '../search/ask.ts';
import { endOf, type Moment } from './moment.ts';
import { Rebuilding } from './rebuilding.ts';
import { stateOf, type TargetState } from './state.ts';
import { eventsInOrder, isText } from './target-events.ts';

/** Reads and runs change nothing; they would be most of what is read. */
const CHANGING = "(operation IN ('create', 'update', 'delete') OR notEmpty(changes))";

/**
 * Every target of a type that there is at a moment, as the events say: created, or changed and created before
 * the ledger's first event, and not deleted. By tenant and id. A target of which there are only reads and
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
  const reading = { before, byTarget: true, also: CHANGING };
  const events = eventsInOrder(clickhouse, isText('target_type', type), options, reading);
  let rebuilding = new Rebuilding();
  let at: { readonly tenant: string; readonly id: string } | undefined;
  const state = (): TargetState[] =>
    at !== undefined && rebuilding.existence === 'exists'
      ? [stateOf(rebuilding, { target: { type, id: at.id }, tenant: at.tenant, before })]
      : [];
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
      }
      rebuilding.take(next.value);
    }
    yield* state();
  } finally {
    await events.return();
  }
}
