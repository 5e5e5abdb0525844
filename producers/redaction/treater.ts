import { OPEN, type FieldNode, type Treatment } from '../../schemas/index.ts';
import { isList, keysOf, MARKERS, MAX_DEPTH, memberOf, viewOf } from '../../schemas/json-view.ts';
import { pointerTo } from '../../schemas/json-pointer.ts';
import { maskCommand } from './mask-command.ts';
import { MASK, maskText } from './mask-text.ts';
import type { RedactionRules } from './rules.ts';

/** In the place of a value of which nothing is to be left. */
export const DROPPED = Symbol('dropped');

/** What stands under a secret's name where no schema declares it. */
export const UNDER_SECRET_NAME: FieldNode = {
  treatment: 'mask',
  isUndeclared: () => false,
  member: () => undefined,
  children: () => [],
};

/** A walk ends after so many members: no message has room for more. */
const MAX_MEMBERS = 100_000;
/** So many of an event's secrets are looked for in its texts. */
const MAX_SECRETS = 100;

/**
 * Treats one event's values: copies what may hold sensitive parts, without them, and remembers
 * where they were, and which texts they were, so that they are found in its messages as well.
 * Never throws; what it hands out holds no getters, so that nothing is read twice.
 */
export class Treater {
  readonly redacted: string[] = [];
  readonly secrets = new Set<string>();
  readonly #rules: RedactionRules;
  readonly #ancestors: object[] = [];
  #membersLeft = MAX_MEMBERS;
  #masksTexts = false;

  constructor(rules: RedactionRules) {
    this.#rules = rules;
  }

  /** The value at this path, treated; {@link DROPPED} where nothing of it is left. */
  value(path: string, value: unknown, node: FieldNode | undefined): unknown {
    if (node === undefined) return value;
    if (node.treatment !== undefined) return this.#applied(path, value, node.treatment, node);
    const view = viewOf(value);
    if (typeof view === 'string') return this.#masksTexts ? this.text(path, view) : view;
    if (typeof view !== 'object' || view === null) return view;
    if (this.#ancestors.includes(value as object)) return MARKERS.circular;
    if (this.#ancestors.length >= MAX_DEPTH) return MARKERS.truncated;
    this.#ancestors.push(value as object);
    const treated = isList(view) ? this.#list(path, view, node) : this.#members(path, view, node);
    this.#ancestors.pop();
    return treated;
  }

  /** A text for people, without what is known or looks to be secret. */
  text(path: string, text: string): string {
    const masked = maskText(text, { secrets: this.secrets, names: this.#rules.names });
    if (masked !== text) this.redacted.push(path);
    return masked;
  }

  /** A command's run: its texts are free of secrets too. */
  execution(path: string, value: unknown): unknown {
    this.#masksTexts = true;
    const treated = this.value(path, value, OPEN);
    this.#masksTexts = false;
    return treated;
  }

  #applied(path: string, value: unknown, treatment: Treatment, node: FieldNode): unknown {
    const view = viewOf(value);
    if (treatment === 'drop') {
      if (view !== undefined) this.#note(path, value);
      return DROPPED;
    }
    // Whether there is a value is no secret; nor is yes or no, under a name like `hasPassword`.
    if (view === undefined || view === null) return view;
    if (typeof view === 'boolean' && node === UNDER_SECRET_NAME) return view;
    this.#note(path, value);
    return treatment === 'hash' ? this.#rules.hash(value) : MASK;
  }

  #note(path: string, value: unknown): void {
    this.redacted.push(path);
    this.#remember(value, 0);
  }

  #remember(value: unknown, depth: number): void {
    if (this.secrets.size >= MAX_SECRETS || depth > 8) return;
    const view = viewOf(value);
    if (typeof view === 'string' || typeof view === 'number') this.secrets.add(String(view));
    else if (typeof view === 'object' && view !== null) {
      for (const key of keysOf(view).slice(0, MAX_SECRETS)) {
        this.#remember(memberOf(view, key), depth + 1);
      }
    }
  }

  #list(path: string, list: readonly unknown[], node: FieldNode): readonly unknown[] {
    const items = Array.from({ length: Math.min(list.length, MAX_MEMBERS) }, (_, index) =>
      memberOf(list, index),
    );
    const isCommand = this.#masksTexts && items.every((item) => typeof item === 'string');
    if (isCommand) return this.#command(path, items);
    const treated: unknown[] = [];
    for (const [index, item] of items.entries()) {
      if (this.#membersLeft-- <= 0) {
        treated.push(MARKERS.truncated);
        break;
      }
      const kept = this.value(pointerTo(path, index), item, node.member(String(index)));
      if (kept !== DROPPED) treated.push(kept ?? null);
    }
    return treated;
  }

  /** Arguments belong together: what follows `--password` is one. */
  #command(path: string, words: readonly string[]): readonly string[] {
    const { names } = this.#rules;
    const { args } = maskCommand(words[0] ?? '', words, { secrets: this.secrets, names });
    if (args.some((arg, index) => arg !== words[index])) this.redacted.push(path);
    return args;
  }

  #members(path: string, object: object, node: FieldNode): object {
    const treated = Object.create(null) as Record<string, unknown>;
    for (const key of keysOf(object)) {
      if (this.#membersLeft-- <= 0) break;
      const isSecret = node.isUndeclared(key) && this.#rules.names.has(key);
      const member = isSecret ? UNDER_SECRET_NAME : node.member(key);
      const kept = this.value(pointerTo(path, key), memberOf(object, key), member);
      if (kept !== DROPPED) treated[key] = kept;
    }
    return treated;
  }
}
