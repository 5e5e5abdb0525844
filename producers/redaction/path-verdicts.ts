import { OPEN, type Change, type FieldNode } from '../../schemas/index.ts';
import { namesOf } from '../../schemas/json-pointer.ts';
import type { SecretNames } from './secret-names.ts';
import { UNDER_SECRET_NAME } from './treater.ts';

/** Paths have no end where they hold indexes; so many are remembered. */
const REMEMBERED_PATHS = 1_000;

/** What a type says of the places that its changes' paths lead to. */
export class PathVerdicts {
  readonly #root: FieldNode;
  readonly #names: SecretNames;
  readonly #known = new Map<string, FieldNode | undefined>();

  constructor(root: FieldNode, names: SecretNames) {
    this.#root = root;
    this.#names = names;
  }

  /** Whether any of these changes has to be looked into. */
  concern(changes: readonly Change[]): boolean {
    for (const { path, old, new: now } of changes) {
      const node = this.of(path);
      if (node === undefined) continue;
      if (node.treatment !== undefined || typeof old === 'object' || typeof now === 'object') {
        return true;
      }
    }
    return false;
  }

  /** Of what a path leads to, or of what lies above it. */
  of(path: unknown): FieldNode | undefined {
    if (typeof path !== 'string') return OPEN;
    const known = this.#known.get(path);
    if (known !== undefined || this.#known.has(path)) return known;
    const node = this.#find(path);
    if (this.#known.size < REMEMBERED_PATHS) this.#known.set(path, node);
    return node;
  }

  #find(path: string): FieldNode | undefined {
    // `address.city` is no pointer, and still says where it is.
    const names = namesOf(path) ?? path.split(/[./]/u);
    let node: FieldNode | undefined = this.#root;
    for (const name of names) {
      if (node === undefined || node.treatment !== undefined) return node;
      if (node.isUndeclared(name) && this.#names.has(name)) return UNDER_SECRET_NAME;
      node = node.member(name);
    }
    return node;
  }
}
