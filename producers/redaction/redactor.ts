import { OPEN, type AuditEvent, type ResolvedEvent } from '../../schemas/index.ts';
import { isList, keysOf, memberOf, viewOf } from '../../schemas/json-view.ts';
import { pointerTo } from '../../schemas/json-pointer.ts';
import { setMember } from '../../schemas/plain-value.ts';
import { isSuspicious } from './mask-text.ts';
import { PathVerdicts } from './path-verdicts.ts';
import type { RedactionRules } from './rules.ts';
import type { SecretNames } from './secret-names.ts';
import { DROPPED, Treater, UNDER_SECRET_NAME } from './treater.ts';

/** An event without what its type or its names call sensitive. */
export type Redact = (event: AuditEvent) => AuditEvent;

/** Names the fields that were treated, as JSON pointers; never a value. */
const REDACTED_ATTRIBUTE = 'ledger.redacted';
const MAX_NAMED_FIELDS = 50;

/**
 * What is done to the events of one type before they are encoded. Compiled once; an event with
 * nothing to treat is answered as it is. Comes after validation, so that rules see real values.
 */
export function redactorOf({ sensitive }: ResolvedEvent, rules: RedactionRules): Redact {
  const paths = new PathVerdicts(sensitive.changes, rules.names);
  const concerns = (event: AuditEvent): boolean =>
    (sensitive.data !== undefined && event.data !== undefined) ||
    event.execution !== undefined ||
    (event.changes !== undefined &&
      (!Array.isArray(event.changes) || paths.concern(event.changes))) ||
    (event.attributes !== undefined && concernsAttributes(event.attributes, rules.names)) ||
    (event.related !== undefined && !areParties(event.related)) ||
    isSuspicious(event.message) ||
    isSuspicious(event.reason) ||
    (event.error !== undefined && isSuspicious(event.error?.message));

  return (event) => {
    try {
      if (!concerns(event)) return event;
    } catch {
      // What cannot be read at once is read with care below.
    }
    return redacted(event, sensitive.data, paths, rules);
  };
}

/** Query strings and the parts of URLs hold secrets under names of their own. */
const isUrl = (name: string): boolean => name.startsWith('url.');

/** Whatever is no party is kept aside as it is, and may be anything. */
function areParties(related: unknown): boolean {
  const view = viewOf(related);
  if (!isList(view)) return false;
  for (let index = 0; index < view.length; index += 1) {
    const party = memberOf(view, index);
    if (typeof party !== 'object' || party === null) return false;
    for (const name of ['role', 'type', 'id']) {
      const text = memberOf(party, name);
      if (typeof text !== 'string' || text === '') return false;
    }
  }
  return true;
}

/** Attributes are texts; what callers without types pass instead is written as JSON, names and all. */
function concernsAttributes(
  attributes: Readonly<Record<string, unknown>>,
  names: SecretNames,
): boolean {
  for (const name in attributes) {
    if (typeof attributes[name] === 'object' || names.has(name) || isUrl(name)) return true;
  }
  return false;
}

function redacted(
  event: AuditEvent,
  data: ResolvedEvent['sensitive']['data'],
  paths: PathVerdicts,
  rules: RedactionRules,
): AuditEvent {
  const treater = new Treater(rules);
  // One copy with its fields replaced: an object literal that overrides a spread costs four times.
  const treated: Writable = { ...event };
  // Fields first: what was secret there is then looked for in the texts.
  const fields = treater.value('/data', event.data, data);
  treated.data = fields === DROPPED ? undefined : fields;
  treated.changes = changesOf(event.changes, paths, treater);
  if (event.related !== undefined && !areParties(event.related)) {
    treated.related = treater.value('/related', event.related, OPEN);
  }
  const attributes = attributesOf(event.attributes, rules.names, treater);
  treated.message = textOf('/message', event.message, treater);
  treated.reason = textOf('/reason', event.reason, treater);
  if (event.error) {
    const message = textOf('/error/message', event.error.message, treater);
    treated.error = { ...event.error, message };
  }
  if (event.execution) treated.execution = treater.execution('/execution', event.execution);
  if (treater.redacted.length > 0) attributes[REDACTED_ATTRIBUTE] = named(treater.redacted);
  if (event.attributes !== undefined || treater.redacted.length > 0)
    treated.attributes = attributes;
  return treated as unknown as AuditEvent;
}

type Writable = { -readonly [Field in keyof AuditEvent]: unknown };

function named(paths: readonly string[]): string {
  const all = [...new Set(paths)];
  const more = all.length - MAX_NAMED_FIELDS;
  return JSON.stringify(more > 0 ? [...all.slice(0, MAX_NAMED_FIELDS), `and ${more} more`] : all);
}

const textOf = (path: string, text: unknown, treater: Treater): unknown =>
  typeof text === 'string' ? treater.text(path, text) : treater.value(path, text, OPEN);

/** Each change by where its path leads: deeper than a sensitive field, at it, or above it. */
function changesOf(changes: unknown, paths: PathVerdicts, treater: Treater): unknown {
  const view = viewOf(changes);
  if (view === undefined) return undefined;
  if (!isList(view)) return treater.value('/changes', changes, OPEN);
  return Array.from({ length: Math.min(view.length, MAX_CHANGES) }, (_, index) => {
    const change = viewOf(memberOf(view, index));
    if (typeof change !== 'object' || change === null) return {};
    const path = memberOf(change, 'path');
    const node = paths.of(path);
    const where = `/changes${typeof path === 'string' ? path : ''}`;
    const value = (name: 'old' | 'new'): unknown => {
      const kept = treater.value(where, memberOf(change, name), node);
      return kept === DROPPED ? undefined : kept;
    };
    return { op: memberOf(change, 'op'), path, old: value('old'), new: value('new') };
  });
}

/** More changes have no room in a message. */
const MAX_CHANGES = 10_000;

function attributesOf(
  attributes: unknown,
  names: SecretNames,
  treater: Treater,
): Record<string, unknown> {
  const treated: Record<string, unknown> = {};
  if (typeof attributes !== 'object' || attributes === null) return treated;
  for (const name of keysOf(attributes)) {
    const value = memberOf(attributes, name);
    const path = pointerTo('/attributes', name);
    const kept = treater.value(path, value, names.has(name) ? UNDER_SECRET_NAME : OPEN);
    const isText = isUrl(name) && typeof kept === 'string';
    setMember(treated, name, isText ? treater.text(path, kept) : kept);
  }
  return treated;
}
