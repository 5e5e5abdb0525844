import type { Asked } from './ask.ts';
import { isIndexed, timeBounds, timeOfId } from './bounds.ts';

export type Order = 'newest' | 'oldest';

/** A part of time: microseconds since 1970, open where undefined, `before` not in it. */
export interface Stretch {
  readonly from: number | undefined;
  readonly before: number | undefined;
}

export interface InOrder {
  readonly asked: Asked;
  readonly order: Order;
  /** So many events are wanted. */
  readonly limit: number;
  /** Behind this event. */
  readonly after?: { readonly micros: number; readonly id: string } | undefined;
}

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
/**
 * How much time is read first. The table is sorted by tenant and time, so that of one tenant a long
 * stretch costs no more than a short one: reading ends with the last event that is wanted. Of several, and
 * where copies of held events are read beside it, all of a stretch is read, but for what a skip index leaves out.
 */
const LONG_FIRST_REACH = 64 * HOUR;
const FIRST_REACH = HOUR;
/**
 * Of one tenant's rows that an index finds: in ten days three pages of four are full, and to read them takes a sixth
 * longer than 64 hours, while a second statement takes as long again.
 */
const INDEXED_FIRST_REACH = 10 * DAY;
/** Beyond this all the rest is read at once. */
const LAST_REACH = 40 * DAY;
/** Where nothing was found, and at most, the next reach is so many times as long. */
const GROWTH = 16;
/** Read further than what was found lets expect by so much: events do not come evenly. */
const MARGIN = 1.5;
/** Clocks differ, and what is imported with an id of now may be of the same day. */
const AROUND_ID = DAY;

/**
 * The stretches of time to look in, one after the other in the order's direction, until there are
 * enough. It is told how many events the stretch before held, and makes the next as long as that
 * lets expect; what all of them leave out cannot match. Pure.
 */
export function* stretchesOf(wanted: InOrder): Generator<Stretch, void, number> {
  const { asked, order, after, limit } = wanted;
  const { from, before } = limitsOf(wanted);
  const newest = order === 'newest';
  const idMicros = timeOfId(asked.condition);
  if (idMicros !== undefined && after === undefined) {
    const near = { from: idMicros - AROUND_ID, before: idMicros + AROUND_ID };
    // There is one event of an id.
    const found = yield {
      from: Math.max(near.from, from ?? near.from),
      before: Math.min(near.before, before),
    };
    if (found === 0) yield { from, before };
    return;
  }
  // The oldest of all may be years away from where its order begins.
  if (!newest && from === undefined) {
    yield { from, before };
    return;
  }
  // Between now and a day from now there are only events of clocks that are ahead.
  const begin = newest ? Math.min(before, asked.nowMs * 1000) : (from ?? 0);
  const end = newest ? (from ?? -Infinity) : before;
  let edge = newest ? before : begin;
  let reach = firstReach(asked);
  let found = 0;
  while (reach <= LAST_REACH) {
    const next = newest ? begin - reach : begin + reach;
    if (newest ? next <= end : next >= end) break;
    found += yield newest ? { from: next, before: edge } : { from: edge, before: next };
    edge = next;
    reach *= Math.min(GROWTH, Math.max(2, (MARGIN * limit) / Math.max(found, 1)));
  }
  yield newest ? { from, before: edge } : { from: edge, before };
}

function firstReach({ tenants, held, condition }: Asked): number {
  const inOrder = tenants?.length === 1 && !held;
  const indexed = isIndexed(condition);
  if (inOrder && indexed) return INDEXED_FIRST_REACH;
  return inOrder || indexed ? LONG_FIRST_REACH : FIRST_REACH;
}

/** What lies outside cannot match, or is in front of where to go on. */
function limitsOf({ asked, order, after }: InOrder): {
  readonly from: number | undefined;
  readonly before: number;
} {
  const bounds = timeBounds(asked.condition);
  // Nothing lies later than this: the table refuses it.
  const latest = asked.nowMs * 1000 + DAY;
  const before = bounds.before ?? latest;
  if (after === undefined) return { from: bounds.from, before };
  return order === 'newest'
    ? { from: bounds.from, before: Math.min(before, after.micros + 1) }
    : { from: Math.max(bounds.from ?? after.micros, after.micros), before };
}
