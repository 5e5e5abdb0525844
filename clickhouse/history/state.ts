import { formatMicros } from '../../schemas/instant.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions, inTime, timeZoneOf } from '../search/ask.ts';
import { Hindsight } from './hindsight.ts';
import { endOf, type Moment } from './moment.ts';
import { type Existence, type Gap, Rebuilding } from './rebuilding.ts';
import {
  type EventRef,
  isWhole,
  jsonOf,
  placesOf,
  type Stamp,
  type Unknown,
} from './record-tree.ts';
import {
  eventsInOrder,
  ownEventsOf,
  type TargetKey,
  tenantOf,
  wholeSince,
} from './target-events.ts';

/** One place of a record, and who said what it was: an event up to then, or one that came later. */
export interface KnownField {
  /** A JSON Pointer (RFC 6901); `''` is the whole record. */
  readonly path: string;
  /** The event that made it so. */
  readonly since?: EventRef;
  /** The later event that was the first to change it, and told what it had been: so it was until then. */
  readonly until?: EventRef;
  /** Nothing says that it may have changed unseen. */
  readonly certain: boolean;
  /** It is known not to be there. */
  readonly absent?: true;
}

/** One place of which the ledger does not know what it holds. */
export interface UnknownField {
  readonly path: string;
  /**
   * `beginning`: set before the first event that there is. `not_told`: the event does not say it. `redacted`,
   * `erased`, `truncated`: the ledger does not hold it. `contradicted`: events do not fit together there.
   * `outcome`: nobody said whether the change succeeded.
   */
  readonly why: Unknown;
  /** All members of this place that are not named in `fields` or `unknown`. */
  readonly others?: true;
  readonly since: EventRef;
}

/** A record, as the events of its target tell it. */
export interface TargetState {
  readonly target: TargetKey & { readonly name?: string };
  /** Absent: the ledger holds no event of it. */
  readonly tenant?: string;
  /** Everything that occurred up to and with this instant is in it; ISO 8601. */
  readonly at: string;
  /** `absent`: it was created later. `unknown`: no event says. */
  readonly existence: Existence | 'absent';
  /** What is known of it, as plain JSON: unknown members are left out, unknown items of lists are `null`. */
  readonly record?: unknown;
  /** All of it is known, and nothing says that it may have changed unseen. */
  readonly certain: boolean;
  /**
   * Since when all of it has been known without a gap; absent where not all is. Where later events tell it, this
   * is not before the oldest event that the ledger still holds, or from when on none can have expired.
   */
  readonly certainSince?: string;
  /** What is known, at most 1,000 places, with the event that said it. */
  readonly fields: readonly KnownField[];
  /** What is not, at most 1,000 places. */
  readonly unknown: readonly UnknownField[];
  /** What events do not tell since the record was last told as a whole, at most 100 of `gapCount`. */
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  /** Its own events up to then. */
  readonly events: number;
  /** The oldest that the ledger still holds. */
  readonly first?: EventRef;
  readonly last?: EventRef;
  readonly created?: EventRef;
  readonly deleted?: EventRef;
}

/**
 * The record of a target at a moment, rebuilt from its changes: from its creation, from an event that holds it
 * whole (a change `add` with the path `''`), or, where the beginning has expired, as far as it can be known: the
 * first later change of a place tells what had been there until then. Values that were redacted, erased or cut
 * are unknown, never taken for the truth.
 *
 * Reads the target's own events as a stream, those that came later as long as something is unknown; holds one
 * record.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for what is no time, `TARGET_AMBIGUOUS` where several tenants have
 *   such a target, `RECORD_TOO_LARGE` above 8 MiB; otherwise as `search`
 *
 * @example
 * const { record, certain, unknown } = await stateAt(clickhouse, { type: 'app', id: 'app-7' }, '2026-11-05', {
 *   tenant: 'acme',
 * });
 */
export async function stateAt(
  clickhouse: ClickHouse,
  target: TargetKey,
  moment: Moment,
  options: AskOptions,
): Promise<TargetState> {
  const nowMs = (options.now ?? new Date()).getTime();
  const before = endOf(moment, { nowMs, timeZone: timeZoneOf(options) });
  return inTime(options, async () => {
    const tenant = await tenantOf(clickhouse, target, options);
    const rebuilding = new Rebuilding();
    let hindsight: Hindsight | undefined;
    const coveredSince = await wholeSince(clickhouse, options);
    if (tenant !== undefined) {
      const asking = { ...options, tenant };
      const end = formatMicros(before) ?? '';
      for await (const event of eventsInOrder(clickhouse, ownEventsOf(target), asking)) {
        if (String(event.occurredAt) < end) rebuilding.take(event);
        else {
          hindsight ??= new Hindsight(rebuilding, before > coveredSince);
          hindsight.take(event);
          if (!hindsight.open) break;
        }
      }
    }
    return stateOf(rebuilding, { target, tenant, before, hindsight, coveredSince });
  });
}

const MAX_PLACES = 1000;

/** What a rebuilt record says of itself. Pure. */
export function stateOf(
  rebuilding: Rebuilding,
  about: {
    readonly target: TargetKey;
    readonly tenant: string | undefined;
    readonly before: number;
    /** What later events have told. */
    readonly hindsight?: Hindsight | undefined;
    /** From when on no event can have expired: microseconds since 1970. */
    readonly coveredSince?: number;
  },
): TargetState {
  const { name, first, last, createdBy, deletedBy } = rebuilding;
  const { record, existence } = about.hindsight ?? rebuilding;
  const fields: KnownField[] = [];
  const unknown: UnknownField[] = [];
  const isLater = ({ at }: Stamp): boolean => at > rebuilding.events;
  /** The last of the events up to then by which a place is known. */
  let knownBy: Stamp | undefined;
  for (const { path, node, others } of record === undefined ? [] : placesOf(record)) {
    const since = node.since.event;
    const byLater = isLater(node.since);
    if (!byLater && node.since.at > (knownBy?.at ?? 0)) knownBy = node.since;
    if (node.kind === 'unknown') {
      if (unknown.length < MAX_PLACES)
        unknown.push({ path, why: node.why, ...(others ? { others } : {}), since });
    } else if (fields.length < MAX_PLACES) {
      const absent = node.kind === 'absent' ? ({ absent: true } as const) : {};
      const said = byLater ? { until: since } : { since };
      fields.push({ path, ...said, certain: rebuilding.isCertain(node.since), ...absent });
    }
  }
  const isKnown = record === undefined ? existence !== 'unknown' : isWhole(record);
  const certain = isKnown && rebuilding.gapCount === 0;
  const certainSince =
    rebuilding.wholeSince?.event.occurredAt ??
    knownBy?.event.occurredAt ??
    first?.occurredAt ??
    formatMicros(about.coveredSince ?? about.before);
  const json = record === undefined ? undefined : jsonOf(record);
  return {
    target: { ...about.target, ...(name === undefined ? {} : { name }) },
    ...(last === undefined || about.tenant === undefined ? {} : { tenant: about.tenant }),
    at: formatMicros(about.before - 1) ?? '',
    existence,
    ...(json === undefined ? {} : { record: json }),
    certain,
    ...(certain && existence !== 'absent' && certainSince !== undefined ? { certainSince } : {}),
    fields,
    unknown,
    gaps: rebuilding.gaps,
    gapCount: rebuilding.gapCount,
    events: rebuilding.events,
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
    ...(createdBy === undefined ? {} : { created: createdBy }),
    ...(deletedBy === undefined ? {} : { deleted: deletedBy }),
  };
}
