import { isList, keysOf, MARKERS, MAX_DEPTH, memberOf, viewOf } from './json-view.ts';

/** Copies stop after so many members: no message has room for more. */
const MAX_MEMBERS = 100_000;

export interface PlainOptions {
  /** Keys in their order of code units, so that equal objects have equal texts. */
  readonly sorted?: boolean;
  /** What the value stands in, from the outside in: coming across one of these is a cycle. */
  readonly within?: readonly object[];
  /** About how many bytes of JSON the copy may have; what has no room is `[truncated]`. */
  readonly maxBytes?: number;
}

/**
 * A copy of any value as plain JSON, as the wire would have it. Never throws; ends, whatever the
 * value is. Undefined: there is no value.
 */
export function plainOf(value: unknown, options: PlainOptions = {}): PlainCopy {
  const copier = new Copier(options);
  return { value: copier.copy(value), wasCut: copier.wasCut };
}

export interface PlainCopy {
  readonly value: unknown;
  /** Something had no room. */
  readonly wasCut: boolean;
}

/** `object[key] = value`, where the key may be `__proto__` as well. */
export function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else {
    const member = { value, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(object, key, member);
  }
}

/** Text that is equal for equal values, whatever the order of their keys. */
export const canonicalText = (value: unknown, within: readonly object[] = []): string =>
  JSON.stringify(plainOf(value, { sorted: true, within }).value) ?? '';

class Copier {
  wasCut = false;
  readonly #sorted: boolean;
  readonly #ancestors: object[];
  #bytesLeft: number;
  #membersLeft = MAX_MEMBERS;

  constructor({ sorted = false, maxBytes = Infinity, within = [] }: PlainOptions) {
    this.#sorted = sorted;
    this.#ancestors = [...within];
    this.#bytesLeft = maxBytes;
  }

  copy(value: unknown): unknown {
    const view = viewOf(value);
    if (typeof view === 'string') return this.#text(view);
    if (typeof view !== 'object' || view === null) {
      this.#bytesLeft -= 5;
      return view;
    }
    if (this.#ancestors.includes(value as object)) return MARKERS.circular;
    if (this.#ancestors.length >= MAX_DEPTH || this.#isFull()) return this.#cut();
    this.#ancestors.push(value as object);
    const copy = isList(view) ? this.#list(view) : this.#members(view);
    this.#ancestors.pop();
    return copy;
  }

  #text(text: string): string {
    this.#bytesLeft -= text.length + 2;
    if (this.#bytesLeft >= 0) return text;
    this.wasCut = true;
    return text.slice(0, Math.max(0, text.length + this.#bytesLeft)) + MARKERS.truncated;
  }

  #list(list: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < list.length; index += 1) {
      if (this.#isFull()) {
        copy.push(this.#cut());
        break;
      }
      this.#membersLeft -= 1;
      // A list's place is there, whatever is in it.
      copy.push(this.copy(memberOf(list, index)) ?? null);
    }
    return copy;
  }

  #members(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    const keys = keysOf(object);
    for (const key of this.#sorted ? keys.toSorted() : keys) {
      if (this.#isFull()) {
        this.#cut();
        break;
      }
      this.#membersLeft -= 1;
      const member = this.copy(memberOf(object, key));
      if (member === undefined) continue;
      this.#bytesLeft -= key.length + 3;
      setMember(copy, key, member);
    }
    return copy;
  }

  #isFull(): boolean {
    return this.#bytesLeft <= 0 || this.#membersLeft <= 0;
  }

  #cut(): string {
    this.wasCut = true;
    return MARKERS.truncated;
  }
}
