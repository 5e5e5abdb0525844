import { LedgerlineError } from '../errors.ts';
import type { Change } from '../event.ts';
import { namesOf } from '../json-pointer.ts';
import { canonicalText, plainOf, setMember } from '../plain-value.ts';

/**
 * A record with changes applied to it, in their order, as JSON Patch says (RFC 6902, `add`,
 * `remove` and `replace`). The record that was passed stays as it is; the answer is plain JSON.
 *
 * Throws `CHANGES_UNAPPLICABLE`, naming the path, where a change does not fit: the place is not
 * there, holds something else than the change's `old`, or the list of changes was cut.
 *
 * @example
 * applyChanges({ name: 'Ada' }, [{ op: 'replace', path: '/name', old: 'Ada', new: 'Ada L.' }]);
 * // { name: 'Ada L.' }
 */
export function applyChanges(record: unknown, changes: readonly Change[]): unknown {
  const root = { record: plainOf(record).value };
  for (const change of changes) applyOne(root, change);
  return root.record;
}

/**
 * The changes that undo these: applied to what they led to, they lead back.
 *
 * @example
 * applyChanges(applyChanges(record, changes), invertChanges(changes)); // record
 */
export const invertChanges = (changes: readonly Change[]): Change[] =>
  changes.toReversed().map((change): Change => {
    const { op, path, old, new: now } = change;
    switch (op) {
      case 'add':
        return { op: 'remove', path, old: now };
      case 'remove':
        return { op: 'add', path, new: old };
      case 'replace':
        return { op, path, old: now, new: old };
      case 'move':
      case 'copy':
      case 'test':
        return change;
    }
  });

type Members = Record<string, unknown>;

function applyOne(root: Members, change: Change): void {
  const { op, path, old } = change;
  const names = namesOf(path);
  if (names === undefined) throw unfit(path, 'is no JSON pointer');
  if (op !== 'add' && op !== 'remove' && op !== 'replace') {
    throw unfit(path, op === 'test' ? 'says that changes were cut' : `has the operation "${op}"`);
  }
  const now = plainOf(change.new).value;
  if (op !== 'remove' && now === undefined) throw unfit(path, 'does not say the new value');
  const last = names.at(-1);
  const container = last === undefined ? root : containerOf(root['record'], names, path);
  if (Array.isArray(container)) applyToList(container, change, String(last), now);
  else {
    const name = last ?? 'record';
    expectOld(path, op, old, Object.hasOwn(container, name) ? container[name] : undefined);
    if (op === 'remove') delete container[name];
    else setMember(container, name, now);
  }
}

function containerOf(record: unknown, names: readonly string[], path: string): unknown[] | Members {
  let at: unknown = record;
  for (const name of names.slice(0, -1)) {
    at = isObject(at) && Object.hasOwn(at, name) ? (at as Members)[name] : undefined;
  }
  if (!isObject(at)) throw unfit(path, 'leads nowhere in the record');
  return at as unknown[] | Members;
}

function applyToList(list: unknown[], { op, path, old }: Change, name: string, now: unknown): void {
  const index = name === '-' && op === 'add' ? list.length : Number(name);
  const last = op === 'add' ? list.length : list.length - 1;
  if (!/^(?:-|0|[1-9]\d*)$/u.test(name) || !(index <= last))
    throw unfit(path, 'is beyond the list');
  if (op !== 'add') expectOld(path, op, old, list[index]);
  if (op === 'add') list.splice(index, 0, now);
  else if (op === 'remove') list.splice(index, 1);
  else list[index] = now;
}

function expectOld(path: string, op: Change['op'], old: unknown, found: unknown): void {
  if (op === 'add') return;
  if (found === undefined) throw unfit(path, 'is not in the record');
  if (old !== undefined && canonicalText(old) !== canonicalText(found)) {
    throw unfit(path, 'holds another value than the change expects');
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const unfit = (path: string, what: string): LedgerlineError =>
  new LedgerlineError('CHANGES_UNAPPLICABLE', `The change at "${path}" ${what}.`, {
    hint: 'Apply changes in their order to the record as it was before them, or undo the newest first.',
  });
