import type { AuditEvent, Change } from '../../schemas/index.ts';
import { namesOf, pointerTo } from '../../schemas/json-pointer.ts';
import type { KnownChange } from './record-edit.ts';
import { type Node, opened, type Stamp, type Unknown } from './record-tree.ts';

/** The changes of an event, with every value that is not the truth as unknown. */
export interface KnownChanges {
  readonly changes: readonly KnownChange[];
  /** Further changes were made that the event does not hold: then nothing of the record is certain. */
  readonly lost: Unknown | undefined;
}

/** What stands where a value was, when it was not stored. */
const MARKS: Readonly<Record<string, Unknown>> = {
  '[masked]': 'redacted',
  '[erased]': 'erased',
  '[circular]': 'not_told',
  '[threw]': 'not_told',
};
const CUT = '[truncated]';
const DIGEST = 'hmac-sha256:';
const VALUES_CUT = `${CUT} values at `;
/** As long as the text of a cut may be: a longer one was cut itself. */
const MAX_CUT_TEXT = 1024;

/**
 * Reads the changes of an event. Values that were masked, hashed, dropped, erased or cut are told by the
 * event's attributes (`ledger.redacted`, `ledger.erased`, `ledger.truncated`) and by what stands in their
 * place. A text that only looks like such a mark counts as one: not knowing is safer than believing. Pure.
 */
export function knownChanges(event: AuditEvent, since: Stamp): KnownChanges {
  const reader = new ValueReader(event, since);
  const changes: KnownChange[] = [];
  let lost: Unknown | undefined = reader.listWasCut ? 'truncated' : undefined;
  for (const { op, path, old, new: now } of event.changes ?? []) {
    if (op === 'test' && isCutNote(now)) {
      if (!valuesAlone(now)) lost = 'truncated';
      continue;
    }
    const names = namesOf(path);
    if (names === undefined || op === 'move' || op === 'copy' || op === 'test') {
      // Where something moved from is not stored.
      lost ??= op === 'test' ? undefined : 'not_told';
      continue;
    }
    changes.push({
      op,
      path,
      names,
      old: op === 'add' ? undefined : reader.read(path, old),
      new: op === 'remove' ? undefined : reader.read(path, now),
    });
  }
  return { changes, lost };
}

const isCutNote = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith(CUT);
const valuesAlone = (note: string): boolean =>
  note.startsWith(VALUES_CUT) && note.length < MAX_CUT_TEXT && !note.includes('; ');

class ValueReader {
  readonly listWasCut: boolean;
  /** Why no value of the event is to be believed. */
  readonly #all: Unknown | undefined;
  readonly #redacted: readonly string[];
  readonly #cutNotes: string;
  readonly #since: Stamp;

  constructor({ attributes = {}, changes = [] }: AuditEvent, since: Stamp) {
    const redacted = listOf(attributes['ledger.redacted']);
    this.#redacted = redacted
      .filter((place) => place.startsWith('/changes'))
      .map((place) => place.slice('/changes'.length));
    const unnamed = redacted.some((place) => !place.startsWith('/'));
    this.#all =
      attributes['ledger.erased'] !== undefined ? 'erased' : unnamed ? 'redacted' : undefined;
    this.listWasCut = attributes['ledger.truncated']?.includes('"changes"') === true;
    this.#cutNotes = changes
      .map((change: Change) => (isCutNote(change.new) ? change.new : ''))
      .join();
    this.#since = since;
  }

  read(path: string, value: unknown): Node {
    if (this.#all !== undefined) return this.#unknown(this.#all);
    if (this.#cutNotes.includes(path) && this.#cutNotes !== '' && holdsCut(value)) {
      return this.#unknown('truncated');
    }
    return this.#node(path, value);
  }

  #node(path: string, value: unknown): Node {
    const inside = this.#redacted.filter((place) => place === path || place.startsWith(`${path}/`));
    if (inside.includes(path)) {
      // Whether there is a value is no secret, and yes and no are told.
      const told = value === null || typeof value === 'boolean';
      return told ? this.#value(value) : this.#unknown('redacted');
    }
    if (value === undefined) return this.#unknown('not_told');
    const mark = markOf(value);
    if (mark !== undefined) return this.#unknown(mark);
    if (inside.length === 0 && !holdsMark(value)) return this.#value(value);
    const open = opened(this.#value(value));
    if (open.kind === 'list') return this.#list(path, value as readonly unknown[]);
    return open.kind === 'object'
      ? this.#object(path, value as Readonly<Record<string, unknown>>, inside)
      : this.#unknown('redacted');
  }

  /** A dropped item has left its list, and those behind it have moved. */
  #list(path: string, list: readonly unknown[]): Node {
    if (list.includes(CUT)) return this.#unknown('truncated');
    const gone = this.#redacted.some((place) => {
      const index = place.startsWith(`${path}/`) ? place.slice(path.length + 1) : '/';
      if (index.includes('/')) return false;
      const item = list[Number(index)];
      return !(typeof item === 'string' && (item in MARKS || item.startsWith(DIGEST)));
    });
    if (gone) return this.#unknown('redacted');
    return { kind: 'list', items: list.map((item, at) => this.#node(pointerTo(path, at), item)) };
  }

  #object(
    path: string,
    object: Readonly<Record<string, unknown>>,
    inside: readonly string[],
  ): Node {
    const members = new Map(
      Object.entries(object).map(([name, member]) => [
        name,
        this.#node(pointerTo(path, name), member),
      ]),
    );
    for (const place of inside) {
      // What was dropped is not there, and not known to be absent.
      const [name = ''] = namesOf(place.slice(path.length)) ?? [];
      if (!members.has(name)) members.set(name, this.#unknown('redacted'));
    }
    return { kind: 'object', members, rest: undefined };
  }

  #value(value: unknown): Node & { kind: 'value' } {
    return { kind: 'value', value, since: this.#since };
  }

  #unknown(why: Unknown): Node {
    return { kind: 'unknown', why, since: this.#since };
  }
}

/** The places that an attribute lists; an importer writes them as words of its own, about no changes. */
function listOf(attribute: string | undefined): readonly string[] {
  if (attribute === undefined || !attribute.startsWith('[')) return [];
  try {
    const list: unknown = JSON.parse(attribute);
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return ['unreadable'];
  }
}

const markOf = (value: unknown): Unknown | undefined =>
  typeof value !== 'string'
    ? undefined
    : Object.hasOwn(MARKS, value)
      ? MARKS[value]
      : value.endsWith(CUT)
        ? 'truncated'
        : undefined;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const holdsMark = (value: unknown): boolean =>
  markOf(value) !== undefined || (isObject(value) && Object.values(value).some(holdsMark));

/** An object that was cut has lost members, and nothing in it says so. */
const holdsCut = (value: unknown): boolean => isObject(value) || markOf(value) === 'truncated';
