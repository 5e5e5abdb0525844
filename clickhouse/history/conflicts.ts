import type { KnownChange } from './record-edit.ts';
import { type Node, opened } from './record-tree.ts';

const INDEX = /^(?:-|0|[1-9]\d*)$/;

/**
 * Whether a later change is in the way of undoing an earlier one: it is of the same place, of one around it or
 * within it, or it moved the items of a list that the earlier one leads through. `record` is the record behind
 * the earlier one. Pure.
 */
export function isInTheWay(
  later: KnownChange,
  earlier: KnownChange,
  record: Node | undefined,
): boolean {
  const shared = Math.min(later.names.length, earlier.names.length);
  const differs = later.names.findIndex(
    (name, depth) => depth < shared && name !== earlier.names[depth],
  );
  if (differs < 0) return true;
  const moves = later.op !== 'replace' && differs === later.names.length - 1;
  return (
    moves &&
    INDEX.test(later.names[differs] ?? '') &&
    INDEX.test(earlier.names[differs] ?? '') &&
    !isObjectAt(record, later.names.slice(0, differs))
  );
}

/** Numbers name members of objects as well: then nothing moves. */
function isObjectAt(record: Node | undefined, names: readonly string[]): boolean {
  let node = record && opened(record);
  for (const name of names) {
    const inside: Node | undefined =
      node?.kind === 'object'
        ? node.members.get(name)
        : node?.kind === 'list'
          ? node.items[Number(name)]
          : undefined;
    node = inside && opened(inside);
  }
  return node?.kind === 'object' && node.rest === undefined;
}
