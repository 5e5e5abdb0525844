import { LedgerlineError } from '../../schemas/errors.ts';
import type { AuditEvent, Change } from '../../schemas/index.ts';
import { applyChanges, invertChanges } from '../../schemas/changes/apply-changes.ts';
import { isInTheWay } from './conflicts.ts';
import type { UnknownPlace } from './going-back.ts';
import { type KnownChanges, knownChanges } from './known-changes.ts';
import { hasFailed, isCreation, isDeletion } from './life.ts';
import { Rebuilding, refOf } from './rebuilding.ts';
import { agree, type EventRef, isWhole, jsonOf, type Node, placesOf } from './record-tree.ts';

/** A later event that undoing would overwrite. */
export interface Conflict {
  readonly event: EventRef;
  /** The paths that it changed, at most 20. */
  readonly paths: readonly string[];
}

/** Why it cannot be undone: `conflicts` names later events, `unknown` the values that the ledger lacks. */
export class UndoRefused extends LedgerlineError {
  override readonly name = 'UndoRefused';
  /** The first 100. */
  readonly conflicts: readonly Conflict[];
  readonly unknown: readonly UnknownPlace[];

  constructor(
    message: string,
    hint: string,
    { conflicts = [], unknown = [] }: Partial<Pick<UndoRefused, 'conflicts' | 'unknown'>> = {},
  ) {
    super('UNDO_REFUSED', message, { hint });
    this.conflicts = conflicts;
    this.unknown = unknown;
  }
}

/** What bringing a record back does to it. */
export type Need = 'create' | 'update' | 'delete';

/** The event to undo, and the record before it. */
interface Found {
  readonly event: AuditEvent;
  readonly known: KnownChanges;
  readonly before: Node | undefined;
}

const MAX_CONFLICTS = 100;
const MAX_PATHS = 20;
const MAX_NAMED = 5;

/**
 * Undoes one event of a target's history, which is given event after event. Holds the record, what the event
 * did, and the first conflicts.
 */
export class Undoing {
  readonly rebuilding = new Rebuilding();
  readonly #id: string;
  readonly #conflicts: Conflict[] = [];
  #conflictCount = 0;
  #found: Found | undefined;
  #after: Node | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  take(event: AuditEvent): void {
    const before = this.rebuilding.record;
    this.rebuilding.take(event);
    const stamp = { event: refOf(event), at: this.rebuilding.events };
    if (this.#found === undefined) {
      if (event.id !== this.#id) return;
      this.#found = { event, known: knownChanges(event, stamp), before };
      this.#after = this.rebuilding.record;
    } else if (!hasFailed(event)) {
      this.#compare(this.#found, event, knownChanges(event, stamp), before);
    }
  }

  #compare(found: Found, event: AuditEvent, later: KnownChanges, before: Node | undefined): void {
    const { event: undone, known } = found;
    const ends = isCreation(event) || isDeletion(event);
    const whole = isCreation(undone) || isDeletion(undone);
    const inTheWay = later.changes.filter((change) => {
      // A record that was told again as it was is no change.
      const repeats = change.op === 'add' && change.names.length === 0 && before !== undefined;
      if (repeats && !ends && change.new !== undefined && agree(before, change.new)) return false;
      return whole || known.changes.some((mine) => isInTheWay(change, mine, this.#after));
    });
    if (!ends && later.lost === undefined && inTheWay.length === 0) return;
    this.#conflictCount += 1;
    if (this.#conflicts.length >= MAX_CONFLICTS) return;
    const paths = inTheWay.slice(0, MAX_PATHS).map(({ path }) => path);
    this.#conflicts.push({ event: refOf(event), paths });
  }

  /** @throws UndoRefused */
  wayBack(): {
    readonly need: Need;
    readonly changes: readonly Change[];
    readonly event: AuditEvent;
  } {
    if (this.#found === undefined) {
      throw new UndoRefused('there is no such event', 'It has expired, or is another tenant’s.');
    }
    const { event, known, before } = this.#found;
    if (hasFailed(event)) {
      throw new UndoRefused('the event did not succeed', 'There is nothing to undo.');
    }
    if (this.#conflictCount > 0) throw conflicting(this.#conflicts, this.#conflictCount);
    if (isDeletion(event))
      return { event, need: 'create', changes: [restored(event, known, before)] };
    const { record } = this.rebuilding;
    if (isCreation(event)) {
      const old = record !== undefined && isWhole(record) ? { old: jsonOf(record) } : {};
      return { event, need: 'delete', changes: [{ op: 'remove', path: '', ...old }] };
    }
    return { event, need: 'update', changes: inverse(event, known, record) };
  }
}

function inverse(event: AuditEvent, known: KnownChanges, record: Node | undefined): Change[] {
  if (known.changes.some(({ op, names }) => op === 'add' && names.length === 0)) {
    throw new UndoRefused(
      'the event changed nothing: it holds the record as it was',
      'Name the event that made the change, or a time to go back to.',
    );
  }
  const unknown = known.changes.flatMap(({ old, new: now, path }) =>
    [old, now].flatMap((node) => (node === undefined ? [] : unknownIn(node, path))),
  );
  if (known.lost !== undefined) unknown.push({ path: '', why: known.lost });
  if (unknown.length > 0) throw unknowable(unknown);
  if (known.changes.length === 0) {
    throw new UndoRefused('the event names no changes', 'There is nothing that could be undone.');
  }
  const made = new Set(known.changes.map(({ path }) => path));
  const changes = invertChanges(
    (event.changes ?? []).filter(({ path, op }) => op !== 'test' && made.has(path)),
  );
  if (record === undefined || !isWhole(record)) return changes;
  try {
    applyChanges(jsonOf(record), changes);
  } catch {
    throw new UndoRefused(
      'the record is not as the event left it, though no later event says so',
      'Events of it are missing: `ledgerline state` names the gaps. Go back to a time instead.',
    );
  }
  return changes;
}

function restored(event: AuditEvent, { changes }: KnownChanges, before: Node | undefined): Change {
  const removed = changes.find(({ names, op }) => op === 'remove' && names.length === 0)?.old;
  const node = removed !== undefined && isWhole(removed) ? removed : before;
  if (node === undefined) {
    throw new UndoRefused('nothing is known of the record that was deleted', beforeHint(event));
  }
  if (!isWhole(node)) throw unknowable(unknownIn(node, ''));
  return { op: 'add', path: '', new: jsonOf(node) };
}

const beforeHint = ({ occurredAt }: AuditEvent): string =>
  `Look at what there was before: ledgerline state TYPE/ID --at ${String(occurredAt)}.`;

const unknownIn = (node: Node, path: string): UnknownPlace[] =>
  [...placesOf(node, path)].flatMap((place) =>
    place.node.kind === 'unknown' ? [{ path: place.path, why: place.node.why }] : [],
  );

/** The refusal for values that the ledger does not hold. */
export function unknowable(unknown: readonly UnknownPlace[]): UndoRefused {
  const named = unknown.slice(0, MAX_NAMED).map(({ path, why }) => `"${path}" (${why})`);
  return new UndoRefused(
    `the ledger does not know what was at ${listed(named, unknown.length)}`,
    'What was never stored, or is stored no more, cannot be brought back from here.',
    { unknown },
  );
}

function conflicting(conflicts: readonly Conflict[], count: number): UndoRefused {
  const named = conflicts
    .slice(0, MAX_NAMED)
    .map(({ event }) => `${event.id} (${event.type}, ${event.occurredAt})`);
  return new UndoRefused(
    `later events changed the same: ${listed(named, count)}`,
    'Undo those first, the newest before the others, or go back to a time: `--to`.',
    { conflicts },
  );
}

const listed = (named: readonly string[], count: number): string =>
  `${named.join(', ')}${count > named.length ? ` and ${count - named.length} more` : ''}`;
