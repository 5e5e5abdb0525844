import type { Change } from '../event.ts';
import { pointerTo } from '../json-pointer.ts';
import { isList, itemOf, keysOf, MARKERS, memberOf, viewOf, type View } from '../json-view.ts';
import { canonicalText, plainOf } from '../plain-value.ts';
import { pairByKey, type Pairing } from './keyed-lists.ts';
import { planOf, type ChangesOptions, type ChangesPlan } from './options.ts';
import type { Place } from './path-patterns.ts';

/** A comparison ends after so many members, whatever it was given. */
const MAX_STEPS = 500_000;

/**
 * What changed from one snapshot of a record to the next, as JSON Patch has it (RFC 6902) with the
 * old values beside the new ones. Compares what the ledger would store (docs/event.md, "What
 * becomes what"): a Date is its ISO text, a Map an object, `undefined` an absence, `null` a value.
 * Applied one after the other to *before*, the changes give *after*.
 *
 * Never throws, and ends whatever it is given. Where a limit cut something, the last change says
 * so: `{ op: 'test', path: '', new: '[truncated] …' }`.
 *
 * @example
 * changesBetween({ name: 'Ada', tags: ['a'] }, { name: 'Ada L.', tags: ['a', 'b'] });
 * // [ { op: 'replace', path: '/name', old: 'Ada', new: 'Ada L.' },
 * //   { op: 'add', path: '/tags/1', new: 'b' } ]
 */
export function changesBetween(
  before: unknown,
  after: unknown,
  options?: ChangesOptions,
): Change[] {
  const comparison = new Comparison(planOf(options));
  comparison.run(before, after);
  return comparison.told();
}

/** Where in the record a comparison is. */
interface Spot {
  readonly path: string;
  readonly ignored: Place<true>;
  readonly listKeys: Place<string>;
  readonly listKey: string | undefined;
}

class Comparison {
  readonly #plan: ChangesPlan;
  readonly #changes: Change[] = [];
  readonly #ancestorsBefore: object[] = [];
  readonly #ancestorsAfter: object[] = [];
  readonly #cutValues = new Set<string>();
  #stepsLeft = MAX_STEPS;
  #untold = 0;
  #unseen: string | undefined;

  constructor(plan: ChangesPlan) {
    this.#plan = plan;
  }

  run(before: unknown, after: unknown): void {
    const { ignored, listKeys, listKey } = this.#plan;
    const root: Spot = {
      path: '',
      ignored: ignored.root,
      listKeys: listKeys.root,
      listKey: listKeys.ofRoot ?? listKey,
    };
    try {
      this.#compare(root, before, after);
    } catch {
      // A proxy that answers once and throws later. What was told up to there is true.
      this.#unseen ??= this.#changes.at(-1)?.path ?? '';
    }
  }

  told(): Change[] {
    const cuts: string[] = [];
    if (this.#untold > 0) cuts.push(`${this.#untold} further changes`);
    if (this.#cutValues.size > 0) cuts.push(`values at ${[...this.#cutValues].join(', ')}`);
    if (this.#unseen !== undefined) cuts.push(`what follows ${this.#unseen || 'the beginning'}`);
    return cuts.length === 0
      ? this.#changes
      : [
          ...this.#changes,
          { op: 'test', path: '', new: `${MARKERS.truncated} ${cuts.join('; ')}`.slice(0, 1024) },
        ];
  }

  #compare(spot: Spot, before: unknown, after: unknown): void {
    if (before === after) return;
    const was = this.#seen(before, this.#ancestorsBefore);
    const is = this.#seen(after, this.#ancestorsAfter);
    if (was === is) return;
    if (was === undefined) return this.#tell('add', spot.path, undefined, after);
    if (is === undefined) return this.#tell('remove', spot.path, before, undefined);
    if (!isContainer(was) || !isContainer(is) || isList(was) !== isList(is)) {
      return this.#tell('replace', spot.path, before, after);
    }
    if (this.#ancestorsBefore.length >= this.#plan.maxDepth) {
      return this.#compareWhole(spot.path, before, after);
    }
    this.#ancestorsBefore.push(before as object);
    this.#ancestorsAfter.push(after as object);
    if (isList(was) && isList(is)) this.#compareLists(spot, was, is);
    else this.#compareMembers(spot, was, is);
    this.#ancestorsBefore.pop();
    this.#ancestorsAfter.pop();
  }

  #seen(value: unknown, ancestors: readonly object[]): View {
    const isCycle = typeof value === 'object' && value !== null && ancestors.includes(value);
    return isCycle ? MARKERS.circular : viewOf(value);
  }

  #compareWhole(path: string, before: unknown, after: unknown): void {
    const was = canonicalText(before, this.#ancestorsBefore);
    const is = canonicalText(after, this.#ancestorsAfter);
    if (was !== is) this.#tell('replace', path, before, after);
  }

  #compareMembers(spot: Spot, before: object, after: object): void {
    const keysAfter = keysOf(after);
    let shared = 0;
    let next = 0;
    for (const key of keysOf(before)) {
      // Snapshots mostly have their keys in the same order: then nobody has to be asked.
      const isNext = keysAfter[next] === key;
      const isShared = isNext || hasOwn(after, key);
      if (isNext) next += 1;
      if (isShared) shared += 1;
      const was = memberOf(before, key);
      const is = isShared ? memberOf(after, key) : undefined;
      if (was !== is) this.#member(spot, key, key, was, is);
    }
    if (keysAfter.length === shared) return;
    for (const key of keysAfter) {
      if (hasOwn(before, key)) continue;
      const is = memberOf(after, key);
      if (is !== undefined) this.#member(spot, key, key, undefined, is);
    }
  }

  #compareLists(spot: Spot, before: readonly unknown[], after: readonly unknown[]): void {
    const pairing = spot.listKey === undefined ? undefined : pairByKey(before, after, spot.listKey);
    if (pairing !== undefined) return this.#comparePaired(spot, before, after, pairing);
    const shared = Math.min(before.length, after.length);
    for (let index = 0; index < shared && this.#stepsLeft > 0; index += 1) {
      const was = itemOf(before, index);
      const is = itemOf(after, index);
      if (was !== is) this.#member(spot, index, String(index), was, is);
    }
    for (let index = shared; index < after.length && this.#stepsLeft > 0; index += 1) {
      this.#member(spot, index, String(index), undefined, itemOf(after, index));
    }
    // From the end, so that what is yet to go keeps its index.
    for (let index = before.length - 1; index >= shared && this.#stepsLeft > 0; index -= 1) {
      this.#member(spot, index, String(index), itemOf(before, index), undefined);
    }
  }

  /** An item that moved goes and comes back, since a change has no second path. */
  #comparePaired(
    spot: Spot,
    before: readonly unknown[],
    after: readonly unknown[],
    { kept, gone, come }: Pairing,
  ): void {
    for (const index of gone.toReversed()) {
      this.#member(spot, index, String(index), itemOf(before, index), undefined);
    }
    for (const index of come) {
      this.#member(spot, index, String(index), undefined, itemOf(after, index));
    }
    for (const [was, is] of kept) {
      this.#member(spot, is, String(is), itemOf(before, was), itemOf(after, is));
    }
  }

  #member(spot: Spot, key: string | number, name: string, before: unknown, after: unknown): void {
    const { ignored, listKeys, listKey, hasPatterns } = this.#plan;
    if (hasPatterns && ignored.valueOf(spot.ignored, name) === true) return;
    const path = pointerTo(spot.path, key);
    if (this.#stepsLeft-- <= 0) {
      this.#unseen ??= path;
      return;
    }
    const inside = hasPatterns
      ? {
          path,
          ignored: ignored.step(spot.ignored, name),
          listKeys: listKeys.step(spot.listKeys, name),
          listKey: listKeys.valueOf(spot.listKeys, name) ?? listKey,
        }
      : { path, ignored: spot.ignored, listKeys: spot.listKeys, listKey };
    this.#compare(inside, before, after);
  }

  #tell(op: Change['op'], path: string, before: unknown, after: unknown): void {
    if (this.#changes.length >= this.#plan.maxChanges) {
      this.#untold += 1;
      return;
    }
    const old = this.#copy(path, before, this.#ancestorsBefore);
    const now = this.#copy(path, after, this.#ancestorsAfter);
    this.#changes.push(
      op === 'add'
        ? { op, path, new: now }
        : op === 'remove'
          ? { op, path, old }
          : { op, path, old, new: now },
    );
  }

  /** A copy: the caller's objects may change before the event is emitted. */
  #copy(path: string, value: unknown, within: readonly object[]): unknown {
    const { value: copy, wasCut } = plainOf(value, { maxBytes: this.#plan.maxValueBytes, within });
    if (wasCut) this.#cutValues.add(path);
    return copy;
  }
}

const isContainer = (view: View): view is readonly unknown[] | Readonly<Record<string, unknown>> =>
  typeof view === 'object' && view !== null;

function hasOwn(object: object, key: string): boolean {
  try {
    return Object.prototype.propertyIsEnumerable.call(object, key);
  } catch {
    return false;
  }
}
