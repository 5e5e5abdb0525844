import type { Party } from '../../schemas/index.ts';
import { canonicalText } from '../../schemas/plain-value.ts';
import { pointerTo } from '../../schemas/json-pointer.ts';

/** Why something of a record is not known. docs/history.md says each in words. */
export type Unknown =
  'beginning' | 'not_told' | 'redacted' | 'erased' | 'truncated' | 'contradicted' | 'outcome';

/** An event, as answers about records name it. */
export interface EventRef {
  readonly id: string;
  readonly type: string;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string;
  readonly actor: Party;
}

/** Which event said it, and the number of that event in the target's history. */
export interface Stamp {
  readonly event: EventRef;
  readonly at: number;
}

/**
 * What is known of a record, or of a part of it: values, places that are unknown, and objects of which
 * only some members are known. Never changed once made, so that an earlier state costs nothing to keep
 * and what nobody touched is the very same object in both.
 */
export type Node = ValueNode | UnknownNode | AbsentNode | ObjectNode | ListNode;

/** Known as a whole. */
export interface ValueNode {
  readonly kind: 'value';
  readonly value: unknown;
  readonly since: Stamp;
}

export interface UnknownNode {
  readonly kind: 'unknown';
  readonly why: Unknown;
  readonly since: Stamp;
}

/** Known not to be there, in an object whose other members are unknown. */
export interface AbsentNode {
  readonly kind: 'absent';
  readonly since: Stamp;
}

export interface ObjectNode {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, Node>;
  /** What members are that are not named here; absent: there are no others. */
  readonly rest: UnknownNode | undefined;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

/** An object or list by its members; anything else as it is. */
export function opened(node: Node): Node {
  if (node.kind !== 'value' || !isContainer(node.value)) return node;
  const { value, since } = node;
  const made = (member: unknown): ValueNode => ({ kind: 'value', value: member, since });
  if (Array.isArray(value)) return { kind: 'list', items: value.map(made) };
  const members = new Map(Object.entries(value).map(([name, member]) => [name, made(member)]));
  return { kind: 'object', members, rest: undefined };
}

/** Whether all of it is known. */
export function isWhole(node: Node): boolean {
  switch (node.kind) {
    case 'value':
    case 'absent':
      return true;
    case 'unknown':
      return false;
    case 'object':
      return node.rest === undefined && [...node.members.values()].every(isWhole);
    case 'list':
      return node.items.every(isWhole);
  }
}

/** What is known, as JSON: unknown members are left out, an unknown item of a list is `null`. */
export function jsonOf(node: Node): unknown {
  switch (node.kind) {
    case 'value':
      return node.value;
    case 'unknown':
    case 'absent':
      return undefined;
    case 'object':
      return Object.fromEntries(
        [...node.members].flatMap(([name, member]) => {
          const value = jsonOf(member);
          return value === undefined ? [] : [[name, value] as const];
        }),
      );
    case 'list':
      return node.items.map((item) => jsonOf(item) ?? null);
  }
}

/** Whether two could be the same: what is unknown could be anything. */
export function agree(a: Node | undefined, b: Node | undefined): boolean {
  if (a === b || a?.kind === 'unknown' || b?.kind === 'unknown') return true;
  const [noA, noB] = [
    a === undefined || a.kind === 'absent',
    b === undefined || b.kind === 'absent',
  ];
  if (noA || noB) return noA && noB;
  if (a?.kind === 'value' && b?.kind === 'value') {
    return a.value === b.value || canonicalText(a.value) === canonicalText(b.value);
  }
  const [left, right] = [opened(a as Node), opened(b as Node)];
  if (left.kind === 'list' && right.kind === 'list') {
    return (
      left.items.length === right.items.length &&
      left.items.every((item, index) => agree(item, right.items[index]))
    );
  }
  if (left.kind !== 'object' || right.kind !== 'object') return false;
  const names = new Set([...left.members.keys(), ...right.members.keys()]);
  return [...names].every((name) => agree(memberOf(left, name), memberOf(right, name)));
}

/** A member, what is unknown of it, or `undefined`: it is not there. */
export const memberOf = ({ members, rest }: ObjectNode, name: string): Node | undefined =>
  members.get(name) ?? rest;

/** A place of a record of which one thing is to be said. */
export interface Place {
  readonly path: string;
  readonly node: ValueNode | UnknownNode | AbsentNode;
  /** It is said of all members of that place that are not named themselves. */
  readonly others: boolean;
}

/** Every place of a record that was told apart, outermost first. */
export function* placesOf(node: Node, path = ''): Generator<Place, void> {
  switch (node.kind) {
    case 'value':
    case 'unknown':
    case 'absent':
      yield { path, node, others: false };
      return;
    case 'object':
      if (node.rest !== undefined) yield { path, node: node.rest, others: true };
      for (const [name, member] of node.members) yield* placesOf(member, pointerTo(path, name));
      return;
    case 'list':
      for (const [index, item] of node.items.entries()) {
        yield* placesOf(item, pointerTo(path, index));
      }
  }
}
