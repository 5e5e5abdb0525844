import {
  agree,
  type ListNode,
  memberOf,
  type Node,
  type ObjectNode,
  opened,
  type UnknownNode,
} from './record-tree.ts';

/**
 * Places of a record that have changed since a moment, as a tree of names: what a later event says of them
 * tells nothing of that moment any more.
 */
export interface Touched {
  /** The place itself, and so all that is in it. */
  whole: boolean;
  readonly within: Map<string, Touched>;
}

export const untouched = (): Touched => ({ whole: false, within: new Map() });

/** What was told cannot have been: something happened in between that was not told. */
export class Contradicted extends Error {}

/**
 * A record with a place of it told afterwards: what was not known there becomes known, what was known must
 * agree. Without anything told, the place is only made one of its own, as unknown as it was. Pure.
 *
 * @param touched what has changed between the moment and the telling
 * @throws Contradicted
 */
export function withTold(
  node: Node,
  names: readonly string[],
  told: Node | undefined,
  touched: Touched | undefined,
): Node {
  const [name, ...inner] = names;
  if (name === undefined) return told === undefined ? node : filled(node, told, touched);
  const open = opened(node);
  const within = touched?.within.get(name);
  if (open.kind === 'list') {
    const item = open.items[Number(name)];
    if (item === undefined) throw new Contradicted();
    return { ...open, items: open.items.with(Number(name), withTold(item, inner, told, within)) };
  }
  const object = open.kind === 'unknown' ? emptied(open) : open;
  if (object.kind !== 'object') throw new Contradicted();
  const member = memberOf(object, name);
  if (member === undefined) {
    // All members are known, and it is none of them.
    if (inner.length === 0 && (told === undefined || agree(undefined, told))) return object;
    throw new Contradicted();
  }
  return withMember(object, name, withTold(member, inner, told, within));
}

const emptied = (rest: UnknownNode): ObjectNode => ({ kind: 'object', members: new Map(), rest });

const withMember = (object: ObjectNode, name: string, member: Node): ObjectNode => ({
  ...object,
  members: new Map(object.members).set(name, member),
});

function filled(node: Node, told: Node, touched: Touched | undefined): Node {
  if (told.kind === 'unknown') return node;
  // A place of which a part was touched has been made one of its own, and is not unknown as a whole.
  if (node.kind === 'unknown') return told;
  if (touched === undefined || touched.within.size === 0) {
    if (!agree(node, told)) throw new Contradicted();
    if (node.kind === 'value' || node.kind === 'absent') return node;
  }
  const [left, right] = [opened(node), opened(told)];
  if (left.kind === 'object' && right.kind === 'object') return filledObject(left, right, touched);
  if (right.kind === 'list' && (left.kind === 'list' || left.kind === 'object')) {
    return filledList(left, right, touched);
  }
  if (!agree(left, right)) throw new Contradicted();
  return node;
}

function filledObject(
  left: ObjectNode,
  right: ObjectNode,
  touched: Touched | undefined,
): ObjectNode {
  const members = new Map(left.members);
  for (const name of new Set([...left.members.keys(), ...right.members.keys()])) {
    const within = touched?.within.get(name);
    if (within?.whole === true) continue;
    const [mine, theirs] = [memberOf(left, name), memberOf(right, name)];
    if (mine !== undefined && theirs !== undefined) members.set(name, filled(mine, theirs, within));
    else if (mine?.kind === 'unknown') members.delete(name);
    else if (!agree(mine, theirs)) throw new Contradicted();
  }
  // Whatever else there was is told, too.
  return { kind: 'object', members, rest: right.rest === undefined ? undefined : left.rest };
}

/** Items by their places: a list of which items were moved is touched as a whole. */
function filledList(
  left: ListNode | ObjectNode,
  right: ListNode,
  touched: Touched | undefined,
): ListNode {
  const mine = (index: number): Node | undefined =>
    left.kind === 'list' ? left.items[index] : memberOf(left, String(index));
  if (left.kind === 'object' && left.rest === undefined) throw new Contradicted();
  const known = left.kind === 'list' ? left.items.length : Math.max(0, ...indexesOf(left));
  if (known > right.items.length) throw new Contradicted();
  return {
    kind: 'list',
    items: right.items.map((theirs, index) => {
      const item = mine(index);
      if (item === undefined) throw new Contradicted();
      const within = touched?.within.get(String(index));
      return within?.whole === true ? item : filled(item, theirs, within);
    }),
  };
}

const indexesOf = ({ members }: ObjectNode): number[] =>
  [...members.keys()].map((name) => {
    if (!/^(?:0|[1-9]\d{0,8})$/.test(name)) throw new Contradicted();
    return Number(name) + 1;
  });
