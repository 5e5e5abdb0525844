import type { AuditEvent } from '../../schemas/index.ts';
import { knownChanges } from './known-changes.ts';
import { hasFailed, isCreation, isDeletion, leftOut } from './life.ts';
import { type Existence, type Rebuilding, refOf } from './rebuilding.ts';
import type { KnownChange } from './record-edit.ts';
import { isWhole, type Node, opened, type Stamp } from './record-tree.ts';
import { Contradicted, type Touched, untouched, withTold } from './telling.ts';

const INDEX = /^(?:-|0|[1-9]\d*)$/;
const absentAt = (since: Stamp): Node => ({ kind: 'absent', since });

/** What is learnt is held: a place costs some hundred bytes, beside its value. */
const MAX_PLACES = 100_000;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * What later events tell of a record as it was at a moment: the old value of the first change of a place is
 * what was there until then. It is given the events behind the moment, one after the other, and learns
 * until nothing is unknown, or until something may have happened that no event tells.
 */
export class Hindsight {
  record: Node | undefined;
  existence: Existence | 'absent';
  /** Whether the next event could tell more. */
  open: boolean;
  readonly #before: Pick<Rebuilding, 'record' | 'existence'>;
  readonly #touched = untouched();
  readonly #isCovered: boolean;
  #events: number;
  #places = 0;
  #bytes = 0;

  /**
   * @param then what the events up to the moment say
   * @param isCovered no event since the moment can have expired, also where there is none before it
   */
  constructor(then: Rebuilding, isCovered: boolean) {
    this.record = then.record;
    this.existence = then.existence;
    this.#before = { record: then.record, existence: then.existence };
    this.#events = then.events;
    this.#isCovered = isCovered || then.events > 0;
    const isKnown = then.record !== undefined && isWhole(then.record);
    this.open = then.existence !== 'deleted' && !isKnown && !then.isBlind;
  }

  take(event: AuditEvent): void {
    if (!this.open) return;
    this.#events += 1;
    if (isCreation(event) && !hasFailed(event)) {
      if (this.existence === 'unknown') this.existence = 'absent';
      this.open = false;
    } else if (leftOut(event) !== undefined) this.#forget();
    else if (!this.#isCovered) this.open = hasFailed(event);
    else if (!hasFailed(event)) this.#learn(event);
  }

  #learn(event: AuditEvent): void {
    const since: Stamp = { event: refOf(event), at: this.#events };
    const { changes, lost } = knownChanges(event, since);
    const deletes = isDeletion(event);
    const isSilent = changes.length === 0 && event.operation === 'update';
    if (changes.length === 0 && !deletes && !isSilent && lost === undefined) return;
    if (event.outcome === 'unknown') {
      this.open = false;
      return;
    }
    this.existence = 'exists';
    this.record ??= { kind: 'unknown', why: 'beginning', since };
    try {
      for (const change of changes) if (this.open) this.#learnFrom(change, since);
    } catch (error) {
      if (!(error instanceof Contradicted)) throw error;
      this.#forget();
    }
    const isKnown = this.record !== undefined && isWhole(this.record);
    if (deletes || isSilent || lost !== undefined || isKnown) this.open = false;
  }

  #learnFrom({ op, names, old }: KnownChange, since: Stamp): void {
    const place = this.#placeOf(names);
    if (place === undefined) return;
    const parent = names.slice(0, -1);
    const moves =
      names.length > 0 &&
      op !== 'replace' &&
      INDEX.test(names.at(-1) ?? '') &&
      !this.#isObject(parent);
    // What an item of a list comes before, and what a snapshot is told over, is not told.
    const told = op !== 'add' ? old : moves || names.length === 0 ? undefined : absentAt(since);
    this.#tell(moves && told === undefined ? parent : names, told);
    if (moves) {
      const list = this.#placeOf(parent);
      if (list !== undefined) list.whole = true;
    }
    place.whole = true;
    this.#measure(old);
    if (this.#touched.whole) this.open = false;
  }

  #tell(names: readonly string[], told: Node | undefined): void {
    if (this.record !== undefined) this.record = withTold(this.record, names, told, this.#touched);
  }

  /** A place that has not changed since the moment, nor has one around it. */
  #placeOf(names: readonly string[]): Touched | undefined {
    let place: Touched = this.#touched;
    for (const name of names) {
      if (place.whole) return undefined;
      const next = place.within.get(name) ?? untouched();
      place.within.set(name, next);
      place = next;
    }
    return place.whole ? undefined : place;
  }

  /** Known to be no list: what has an index for a name is a member, and moves none. */
  #isObject(names: readonly string[]): boolean {
    let node = this.record && opened(this.record);
    for (const name of names) {
      const inside =
        node?.kind === 'object'
          ? node.members.get(name)
          : node?.kind === 'list'
            ? node.items[Number(name)]
            : undefined;
      node = inside && opened(inside);
    }
    if (node?.kind !== 'object') return false;
    return node.rest === undefined || [...node.members.keys()].some((name) => !INDEX.test(name));
  }

  #measure(old: Node | undefined): void {
    this.#places += 1;
    if (old?.kind === 'value') this.#bytes += JSON.stringify(old.value)?.length ?? 0;
    if (this.#places > MAX_PLACES || this.#bytes > MAX_BYTES) this.open = false;
  }

  #forget(): void {
    this.record = this.#before.record;
    this.existence = this.#before.existence;
    this.open = false;
  }
}
