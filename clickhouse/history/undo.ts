import { formatMicros } from '../../schemas/instant.ts';
import type { Change, Party } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions, inTime, timeZoneOf } from '../search/ask.ts';
import { eventById } from '../search/event-by-id.ts';
import { type PatchOperation, patchOf, wayBack } from './going-back.ts';
import { Hindsight } from './hindsight.ts';
import { endOf, type Moment } from './moment.ts';
import { type Gap, Rebuilding } from './rebuilding.ts';
import type { EventRef } from './record-tree.ts';
import { refOf } from './rebuilding.ts';
import {
  eventsInOrder,
  ownEventsOf,
  type TargetKey,
  tenantOf,
  wholeSince,
} from './target-events.ts';
import { kindOf, type EventKind } from './undo-kind.ts';
import { type Need, Undoing, UndoRefused, unknowable } from './undoing.ts';

/** One event, or everything since a moment. */
export type Undone =
  { readonly event: string } | { readonly target: TargetKey; readonly to: Moment };

export interface UndoOptions extends AskOptions {
  /** Who undoes it: the actor of the event to emit. */
  readonly actor: Party;
  /** Type of the event to emit. Default: the one that was last emitted for such a change of such a target. */
  readonly type?: string;
  /** Default: which event is undone, or to when the record goes back. */
  readonly reason?: string;
}

/** An event as `ledgerline emit` takes it, a line each, and `ledger.emit` its fields. */
export interface EventToEmit extends EventKind {
  readonly tenant: string;
  readonly actor: Party;
  readonly target: Party;
  readonly reason: string;
  readonly changes: readonly Change[];
}

/** What brings a record back. Nothing was done yet. */
export interface Undo {
  readonly target: Party;
  readonly tenant: string;
  /** With the old values, as events hold them. Empty: the record is as it was. */
  readonly changes: readonly Change[];
  /** The same as JSON Patch (RFC 6902), testing each value before it is replaced. */
  readonly patch: readonly PatchOperation[];
  /** To emit when it was done. Absent: there is nothing to do. */
  readonly event?: EventToEmit;
  /** The event that is undone. */
  readonly undoes?: EventRef;
  /** What events do not tell: the record may hold something else than they say. */
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
}

/**
 * What would undo an event, or bring a target back to what it was at a moment, read from the ledger; nothing is
 * changed anywhere.
 *
 * @throws UndoRefused (`UNDO_REFUSED`) where later events changed the same, with `conflicts`; where values are not
 *   known, with `unknown`; where nothing can be undone. LedgerlineError `CONFIG_INVALID`, `TARGET_AMBIGUOUS`,
 *   `RECORD_TOO_LARGE`; otherwise as `search`
 *
 * @example
 * const { patch, event } = await undo(clickhouse, { event: '0198c0de-0000-7000-8000-0000000000aa' }, {
 *   tenant: 'acme',
 *   actor: { type: 'user', id: 'u_7' },
 * });
 */
export function undo(clickhouse: ClickHouse, what: Undone, options: UndoOptions): Promise<Undo> {
  return inTime(options, () =>
    'event' in what
      ? undoEvent(clickhouse, what.event, options)
      : goBack(clickhouse, what.target, what.to, options),
  );
}

async function undoEvent(clickhouse: ClickHouse, id: string, options: UndoOptions): Promise<Undo> {
  const event = await eventById(clickhouse, id, options);
  if (event === undefined) {
    throw new UndoRefused('there is no such event', 'It has expired, or is another tenant’s.');
  }
  if (event.target === undefined) {
    throw new UndoRefused('the event has no target', 'There is no record that it changed.');
  }
  const asking = { ...options, tenant: event.tenant };
  const undoing = new Undoing(event.id);
  for await (const one of eventsInOrder(clickhouse, ownEventsOf(event.target), asking)) {
    undoing.take(one);
  }
  const { need, changes } = undoing.wayBack();
  const like = need === 'update' ? event : undefined;
  return answer(clickhouse, asking, {
    target: event.target,
    need,
    changes,
    rebuilding: undoing.rebuilding,
    reason: `Undoes ${event.id}.`,
    undoes: refOf(event),
    like: like && { type: like.type, category: like.category, operation: like.operation },
  });
}

async function goBack(
  clickhouse: ClickHouse,
  target: TargetKey,
  to: Moment,
  options: UndoOptions,
): Promise<Undo> {
  const nowMs = (options.now ?? new Date()).getTime();
  const before = endOf(to, { nowMs, timeZone: timeZoneOf(options) });
  const tenant = await tenantOf(clickhouse, target, options);
  const end = formatMicros(before) ?? '';
  if (tenant === undefined) throw nothingOf();
  const asking = { ...options, tenant };
  const rebuilding = new Rebuilding();
  const coveredSince = await wholeSince(clickhouse, options);
  let hindsight: Hindsight | undefined;
  for await (const event of eventsInOrder(clickhouse, ownEventsOf(target), asking)) {
    if (String(event.occurredAt) >= end) {
      hindsight ??= new Hindsight(rebuilding, before > coveredSince);
      hindsight.take(event);
    }
    rebuilding.take(event);
  }
  const then = hindsight ?? rebuilding;
  const { first, name } = rebuilding;
  if (first === undefined) throw nothingOf();
  if (then.existence === 'unknown') {
    throw new UndoRefused(
      'the ledger does not know what the target was then',
      `Its first event is of ${first.occurredAt}.`,
    );
  }
  const { changes, unknown } = wayBack(rebuilding.record, then.record);
  if (unknown.length > 0) throw unknowable(unknown);
  const need =
    then.record === undefined ? 'delete' : rebuilding.record === undefined ? 'create' : 'update';
  return answer(clickhouse, asking, {
    target: { ...target, ...(name === undefined ? {} : { name }) },
    need,
    changes,
    rebuilding,
    reason: `Goes back to ${formatMicros(before - 1) ?? ''}.`,
  });
}

const nothingOf = (): UndoRefused =>
  new UndoRefused('the ledger holds no event of the target', 'Check its type and id.');

async function answer(
  clickhouse: ClickHouse,
  options: UndoOptions,
  found: {
    readonly target: Party;
    readonly need: Need;
    readonly changes: readonly Change[];
    readonly rebuilding: Rebuilding;
    readonly reason: string;
    readonly undoes?: EventRef;
    readonly like?: EventKind | undefined;
  },
): Promise<Undo> {
  const { target, need, changes, rebuilding, undoes } = found;
  const tenant = String(options.tenant);
  const event: EventToEmit | undefined =
    changes.length === 0
      ? undefined
      : {
          ...(await kindOf(clickhouse, { target, need, like: found.like }, options)),
          tenant,
          actor: options.actor,
          target,
          reason: options.reason ?? found.reason,
          changes,
        };
  return {
    target,
    tenant,
    changes,
    patch: patchOf(changes),
    ...(event === undefined ? {} : { event }),
    ...(undoes === undefined ? {} : { undoes }),
    gaps: rebuilding.gaps,
    gapCount: rebuilding.gapCount,
  };
}
