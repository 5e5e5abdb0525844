import { isProxy } from 'node:util/types';

/** Stands in the place of what cannot be read, ends in itself, or has no room: as on the wire. */
export const MARKERS = {
  circular: '[circular]',
  threw: '[threw]',
  truncated: '[truncated]',
} as const;

/** Deeper is cut, as on the wire. */
export const MAX_DEPTH = 64;

/** One level of a value as the wire would have it. */
export type View =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/**
 * One level of any value as the encoder would write it (docs/event.md, "What becomes what"), so
 * that what is compared or treated is what will be stored. Undefined: there is no value. Lists and
 * plain objects are answered as they are, their members unseen. Never throws.
 */
export function viewOf(value: unknown): View {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      return String(value);
    case 'bigint':
      return value.toString();
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined;
    case 'object':
      return value === null ? null : viewOfAnyObject(value);
  }
}

/** A member of an object or list, where reading it may throw. */
export function memberOf(container: object, key: string | number): unknown {
  try {
    return (container as Record<string | number, unknown>)[key];
  } catch {
    return MARKERS.threw;
  }
}

/** An own enumerable member; undefined where there is none. */
export function ownMemberOf(container: object, key: string): unknown {
  try {
    return Object.prototype.propertyIsEnumerable.call(container, key)
      ? (container as Record<string, unknown>)[key]
      : undefined;
  } catch {
    return MARKERS.threw;
  }
}

/** An item of a list; what has no value still has its place. */
export function itemOf(list: object, index: number): unknown {
  const item = memberOf(list, index);
  return item === undefined || typeof item === 'function' || typeof item === 'symbol' ? null : item;
}

/** The keys of an object, where asking for them may throw. */
export function keysOf(container: object): readonly string[] {
  try {
    return Object.keys(container);
  } catch {
    return [];
  }
}

export const isList = (view: View): view is readonly unknown[] => Array.isArray(view);

type ObjectView = readonly unknown[] | Readonly<Record<string, unknown>>;

function viewOfAnyObject(value: object): View {
  try {
    return viewOfObject(value);
  } catch {
    return MARKERS.threw;
  }
}

/** Whether it is an object like those that JSON.parse makes, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function viewOfObject(value: object): View {
  if (Array.isArray(value)) return readableList(value);
  const builtIn = isPlain(value) ? undefined : viewOfBuiltIn(value);
  if (builtIn !== undefined) return builtIn;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON !== 'function') return readable(value);
  const answer: unknown = toJSON.call(value, '');
  if (typeof answer !== 'object' || answer === null) return viewOf(answer) ?? null;
  // toJSON is asked once, as JSON.stringify does: its answer's own toJSON is not.
  return Array.isArray(answer) ? answer : (viewOfBuiltIn(answer) ?? readable(answer));
}

/** A proxy whose length cannot be asked for throws here, and is unreadable as a whole. */
const readableList = (list: readonly unknown[]): readonly unknown[] =>
  list.length >= 0 ? list : [];

/** The same of a proxy whose keys cannot be asked for. */
function readable(value: object): ObjectView {
  if (isProxy(value)) Reflect.ownKeys(value);
  return value as Readonly<Record<string, unknown>>;
}

function viewOfBuiltIn(value: object): View {
  if (value instanceof Date) {
    const ms = Date.prototype.getTime.call(value);
    return Number.isNaN(ms) ? '[invalid date]' : new Date(ms).toISOString();
  }
  if (ArrayBuffer.isView(value)) {
    return base64(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
  if (value instanceof ArrayBuffer) return base64(Buffer.from(value));
  if (value instanceof Map) return viewOfMap(value);
  if (value instanceof Set) return Array.from(Set.prototype.values.call(value));
  if (value instanceof Error) {
    const { name, message, cause } = value;
    return { name, message, code: memberOf(value, 'code'), cause };
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return viewOf(value.valueOf());
  }
  return undefined;
}

/** More bytes than a message holds are cut anyway. */
const MAX_BYTES = 200_000;

const base64 = (bytes: Buffer): string =>
  `base64:${bytes.toString('base64', 0, MAX_BYTES)}${bytes.length > MAX_BYTES ? MARKERS.truncated : ''}`;

/** A Map with text keys is an object to everyone who reads it; any other is a list of pairs. */
function viewOfMap(map: Map<unknown, unknown>): ObjectView {
  const pairs = Array.from(Map.prototype.entries.call(map) as MapIterator<[unknown, unknown]>);
  if (!pairs.every(([key]) => typeof key === 'string')) return pairs;
  const view: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of pairs) view[key as string] = item;
  return view;
}
