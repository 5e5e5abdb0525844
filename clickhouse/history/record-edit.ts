import { agree, memberOf, opened } from './record-tree.ts';
import type { ListNode, Node, ObjectNode, Stamp, Unknown, UnknownNode } from './record-tree.ts';

/** One change of an event, with what is known of its values. */
export interface KnownChange {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string;
  readonly names: readonly string[];
  readonly old: Node | undefined;
  readonly new: Node | undefined;
}

/** An index, as RFC 6901 writes one. */
const INDEX = /^(?:0|[1-9]\d{0,8})$/;

/**
 * Applies the changes of one event to what is known of a record. What does not fit is no error: the
 * event is a fact, so that something else was not told. Its paths are in `contradictions`.
 */
export class RecordEdit {
  readonly contradictions: string[] = [];
  readonly #since: Stamp;
  /** Made in this edit, and therefore free to be changed until it is over. */
  readonly #own = new WeakSet<object>();

  constructor(since: Stamp) {
    this.#since = since;
  }

  /** @returns the record as it is then; `undefined`: there is none */
  apply(record: Node | undefined, change: KnownChange): Node | undefined {
    if (change.names.length === 0) return change.op === 'remove' ? undefined : change.new;
    return this.#at(record ?? this.#contradicted(change), change, 0);
  }

  unknown(why: Unknown): UnknownNode {
    return { kind: 'unknown', why, since: this.#since };
  }

  #contradicted({ path }: KnownChange): UnknownNode {
    this.contradictions.push(path);
    return this.unknown('contradicted');
  }

  #at(node: Node, change: KnownChange, depth: number): Node {
    const open = opened(node);
    if (open.kind === 'list') return this.#inList(open, change, depth);
    if (open.kind === 'object') return this.#inObject(open, change, depth);
    const rest = open.kind === 'unknown' ? open : this.#contradicted(change);
    return this.#inObject({ kind: 'object', members: new Map(), rest }, change, depth);
  }

  #inObject(object: ObjectNode, change: KnownChange, depth: number): Node {
    const { op, names } = change;
    const name = names[depth] ?? '';
    const edited = this.#ownObject(object);
    const { members, rest } = edited;
    const found = memberOf(object, name);
    if (depth < names.length - 1) {
      const there = found?.kind === 'absent' ? undefined : found;
      members.set(name, this.#at(there ?? this.#contradicted(change), change, depth + 1));
      return edited;
    }
    // What is behind an index moves, if this is a list: nothing tells that it is none.
    const mayMove = rest !== undefined && op !== 'replace' && (name === '-' || INDEX.test(name));
    this.#compare(found, change);
    if (mayMove) {
      for (const other of members.keys()) {
        if (INDEX.test(other) && (name === '-' || Number(other) >= Number(name)))
          members.delete(other);
      }
    }
    if (op !== 'remove') {
      if (name !== '-' || !mayMove) members.set(name, change.new ?? this.unknown('not_told'));
    } else if (rest === undefined) members.delete(name);
    else if (!mayMove) members.set(name, { kind: 'absent', since: this.#since });
    return edited;
  }

  #inList(list: ListNode, change: KnownChange, depth: number): Node {
    const { op, names } = change;
    const name = names[depth] ?? '';
    const isLast = depth === names.length - 1;
    const grows = isLast && op === 'add';
    const index = grows && name === '-' ? list.items.length : INDEX.test(name) ? Number(name) : -1;
    const there = list.items[index];
    if (index < 0 || index > list.items.length || (there === undefined && !grows)) {
      return this.#contradicted(change);
    }
    const edited = this.#ownList(list);
    const now = change.new ?? this.unknown('not_told');
    if (grows) edited.items.splice(index, 0, now);
    else if (!isLast) edited.items[index] = this.#at(there as Node, change, depth + 1);
    else {
      this.#compare(there, change);
      if (op === 'remove') edited.items.splice(index, 1);
      else edited.items[index] = now;
    }
    return edited;
  }

  #compare(found: Node | undefined, change: KnownChange): void {
    const fits =
      change.op === 'add'
        ? agree(found, undefined)
        : found !== undefined && found.kind !== 'absent' && agree(found, change.old ?? found);
    if (!fits) this.contradictions.push(change.path);
  }

  #ownObject(object: ObjectNode): ObjectNode & { members: Map<string, Node> } {
    if (this.#own.has(object)) return object as ObjectNode & { members: Map<string, Node> };
    const copy = { ...object, members: new Map(object.members) };
    this.#own.add(copy);
    return copy;
  }

  #ownList(list: ListNode): ListNode & { items: Node[] } {
    if (this.#own.has(list)) return list as ListNode & { items: Node[] };
    const copy = { ...list, items: [...list.items] };
    this.#own.add(copy);
    return copy;
  }
}
