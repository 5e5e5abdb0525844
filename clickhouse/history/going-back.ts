import type { Change } from '../../schemas/index.ts';
import { changesBetween } from '../../schemas/changes/changes-between.ts';
import { pointerTo } from '../../schemas/json-pointer.ts';
import {
  isWhole,
  jsonOf,
  memberOf,
  type Node,
  opened,
  placesOf,
  type Unknown,
} from './record-tree.ts';

/** A place that cannot be brought back, because what it holds or held is not known. */
export interface UnknownPlace {
  readonly path: string;
  readonly why: Unknown;
}

export interface WayBack {
  readonly changes: readonly Change[];
  /** Not empty: there is no way back. */
  readonly unknown: readonly UnknownPlace[];
}

const UNLIMITED = { maxChanges: Infinity, maxValueBytes: Infinity };

/**
 * The changes that lead from one state of a record to an earlier one. What is unknown in both, and was not
 * touched in between, is in nobody's way. Pure.
 */
export function wayBack(now: Node | undefined, then: Node | undefined): WayBack {
  const changes: Change[] = [];
  const unknown: UnknownPlace[] = [];
  compare('', now, then);
  return { changes, unknown };

  function compare(path: string, a: Node | undefined, b: Node | undefined): void {
    if (a === b) return;
    if ((a === undefined || isWhole(a)) && (b === undefined || isWhole(b))) {
      const found = changesBetween(a && jsonOf(a), b && jsonOf(b), UNLIMITED);
      if (found.some(({ op }) => op === 'test')) unknown.push({ path, why: 'truncated' });
      else for (const change of found) changes.push({ ...change, path: path + change.path });
      return;
    }
    const [left, right] = [a && opened(a), b && opened(b)];
    if (left?.kind === 'object' && right?.kind === 'object') {
      if (left.rest !== right.rest) {
        const rest = right.rest ?? left.rest;
        if (rest !== undefined) unknown.push({ path, why: rest.why });
        return;
      }
      for (const name of new Set([...left.members.keys(), ...right.members.keys()])) {
        compare(pointerTo(path, name), memberOf(left, name), memberOf(right, name));
      }
    } else if (
      left?.kind === 'list' &&
      right?.kind === 'list' &&
      left.items.length === right.items.length
    ) {
      for (const [index, item] of left.items.entries()) {
        compare(pointerTo(path, index), item, right.items[index]);
      }
    } else for (const node of [b, a]) if (node !== undefined) noteUnknown(path, node);
  }

  function noteUnknown(path: string, node: Node): void {
    for (const place of placesOf(node, path)) {
      if (place.node.kind === 'unknown') unknown.push({ path: place.path, why: place.node.why });
    }
  }
}

/** An operation of JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/**
 * Changes as JSON Patch, a `test` of the value that is there before each that replaces or removes one: a
 * record that is not as the ledger says refuses the patch. Pure.
 */
export const patchOf = (changes: readonly Change[]): PatchOperation[] =>
  changes.flatMap(({ op, path, old, new: now }): PatchOperation[] => {
    const test: PatchOperation[] = old === undefined ? [] : [{ op: 'test', path, value: old }];
    if (op === 'remove') return [...test, { op, path }];
    return [...test, { op: op === 'add' ? 'add' : 'replace', path, value: now }];
  });
