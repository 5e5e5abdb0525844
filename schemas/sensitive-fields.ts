import { strongest, type Treatment } from './sensitive.ts';

/**
 * Where in a value the sensitive parts are: what a schema says, compiled once, so that treating an
 * event asks no schema. `undefined` in a node's place: declared, and nothing sensitive inside.
 */
export interface FieldNode {
  /** Of the value as a whole. */
  readonly treatment: Treatment | undefined;
  /** Whether no schema names this member, so that its name alone can tell what it holds. */
  isUndeclared(key: string): boolean;
  /** What is known of a member: an object's field, a list's item by its index. */
  member(key: string): FieldNode | undefined;
  /** All nodes below, for those who look through the whole. */
  children(): Iterable<FieldNode | undefined>;
}

/** A value of which no schema says anything. */
export const OPEN: FieldNode = {
  treatment: undefined,
  isUndeclared: () => true,
  member: () => OPEN,
  children: () => [],
};

/** A value that is sensitive as a whole. */
export const wholly = (treatment: Treatment): FieldNode => ({
  treatment,
  isUndeclared: () => false,
  member: () => undefined,
  children: () => [],
});

const INDEX = /^(?:-|\d+)$/u;

/** An object's fields, a list's items, a record's values. */
export class Members implements FieldNode {
  readonly treatment = undefined;
  readonly named = new Map<string, FieldNode | undefined>();
  /** Members that are not named: items, values of a record, what a catchall admits. */
  others: FieldNode | undefined = undefined;
  /** What the keys of unnamed members are: a list's indexes, made up by callers, or never there. */
  readonly keys: 'indexes' | 'free' | 'closed';

  constructor(keys: 'indexes' | 'free' | 'closed') {
    this.keys = keys;
  }

  isUndeclared(key: string): boolean {
    // A list declares its items; other names are those of another kind of value in its place.
    return this.keys === 'indexes' ? !INDEX.test(key) : !this.named.has(key);
  }

  member(key: string): FieldNode | undefined {
    if (this.named.has(key)) return this.named.get(key);
    // Data never has it, since the schema strips or refuses it; a record that changed may.
    return this.keys === 'closed' ? OPEN : this.others;
  }

  children(): Iterable<FieldNode | undefined> {
    return [...this.named.values(), this.others];
  }
}

/** A value that is one of several kinds, or all of them at once: whatever one says, holds. */
export class Alternatives implements FieldNode {
  readonly options: FieldNode[] = [];
  readonly #members = new Map<string, FieldNode | undefined>();

  get treatment(): Treatment | undefined {
    return this.options.reduce<Treatment | undefined>(
      (treatment, option) => strongest(treatment, option.treatment),
      undefined,
    );
  }

  isUndeclared(key: string): boolean {
    return this.options.every((option) => option.isUndeclared(key));
  }

  member(key: string): FieldNode | undefined {
    const known = this.#members.get(key);
    if (known !== undefined || this.#members.has(key)) return known;
    // Where one kind declares the member, the others' not knowing it says nothing.
    const declaring = this.options.filter((option) => !option.isUndeclared(key));
    const asked = declaring.length > 0 ? declaring : this.options;
    const member = anyOf(asked.map((option) => option.member(key)));
    // Keys that callers make up have no end.
    if (declaring.length > 0) this.#members.set(key, member);
    return member;
  }

  children(): Iterable<FieldNode | undefined> {
    return this.options;
  }
}

/** A node that is known later: recursive schemas refer to themselves. */
export class Deferred implements FieldNode {
  target: FieldNode | undefined = undefined;

  get treatment(): Treatment | undefined {
    return this.target?.treatment;
  }

  isUndeclared(key: string): boolean {
    return this.target?.isUndeclared(key) ?? false;
  }

  member(key: string): FieldNode | undefined {
    return this.target?.member(key);
  }

  children(): Iterable<FieldNode | undefined> {
    return [this.target];
  }
}

export function anyOf(nodes: readonly (FieldNode | undefined)[]): FieldNode | undefined {
  const options = nodes.filter((node) => node !== undefined);
  if (options.length <= 1) return options[0];
  if (options.every((option) => option === OPEN)) return OPEN;
  const alternatives = new Alternatives();
  alternatives.options.push(...options);
  return alternatives;
}

/** Whether anything in a value of this kind may have to be treated. */
export function needsTreatment(root: FieldNode | undefined): boolean {
  return somewhere(
    root,
    (node) =>
      node === OPEN ||
      node.treatment !== undefined ||
      (node instanceof Members && node.keys === 'free'),
  );
}

/** The strongest treatment anywhere in it. */
export function strongestIn(root: FieldNode | undefined): Treatment | undefined {
  let found: Treatment | undefined;
  somewhere(root, ({ treatment }) => {
    found = strongest(found, treatment);
    return false;
  });
  return found;
}

/** Whether anything in it is hashed. */
export const hashes = (root: FieldNode | undefined): boolean =>
  somewhere(root, ({ treatment }) => treatment === 'hash');

function somewhere(
  root: FieldNode | undefined,
  holds: (node: FieldNode) => boolean,
  seen = new Set<FieldNode>(),
): boolean {
  if (root === undefined || seen.has(root)) return false;
  seen.add(root);
  if (holds(root)) return true;
  for (const child of root.children()) if (somewhere(child, holds, seen)) return true;
  return false;
}
