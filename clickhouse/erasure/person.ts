import { LedgerlineError } from '../../schemas/index.ts';
import { Parameters } from '../search/compile.ts';
import { tenantSql, type TenantScope, tenantsOf } from '../search/scope.ts';

/** Whom an erasure is about: what they are called in ids, names, addresses and texts. */
export interface Person {
  /** Their ids (`u_7`), names, e-mail addresses, telephone numbers: 1 to 50, each of 3 characters or more. */
  readonly identifiers: readonly string[];
  readonly tenant: TenantScope;
}

const MAX_IDENTIFIERS = 50;
const MIN_LENGTH = 3;
const MAX_LENGTH = 500;

/** @throws LedgerlineError `CONFIG_INVALID` for identifiers that would match what is not theirs */
export function checkPerson({ identifiers, tenant }: Person): void {
  tenantsOf(tenant);
  const right =
    identifiers.length >= 1 &&
    identifiers.length <= MAX_IDENTIFIERS &&
    identifiers.every((one) => {
      const { length } = one.trim();
      return length === one.length && length >= MIN_LENGTH && length <= MAX_LENGTH;
    });
  if (right) return;
  throw new LedgerlineError(
    'CONFIG_INVALID',
    'the identifiers are too few, too many or too short',
    {
      hint: `Give 1 to ${MAX_IDENTIFIERS}, each of ${MIN_LENGTH} to ${MAX_LENGTH} characters without blanks around it.`,
    },
  );
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const AFTER = '(?:$|[^\\p{L}\\p{N}_@-])';
const BEFORE = '[^\\p{L}\\p{N}_.@-]';
/** Within JSON: a line end, a tab or a sign, escaped, whose last letter or digit is none of the text's. */
const ESCAPE_BEFORE =
  '\\\\[bfnrt]|\\\\u(?:00[01][0-9a-f]|002[0-9a-cf]|003[a-f]|00a[0-9a-f]|20[0-9a-f]{2})';

/**
 * A regular expression (RE2) that finds an identifier as a word of its own, whatever its case: `u_7` is
 * not found in `u_71`, nor `jane@example.com` in `mary-jane@example.com`. Pure.
 */
export const wordPattern = (identifiers: readonly string[]): string => `(?is)${word(identifiers)}`;

const word = (identifiers: readonly string[]): string =>
  `(?:^|${BEFORE})(?:${identifiers.map(escaped).join('|')})${AFTER}`;

/** The same for a text that is not stored yet. Pure. */
export const isNamedIn = (text: string, { identifiers }: Pick<Person, 'identifiers'>): boolean =>
  new RegExp(word(identifiers), 'isu').test(text);

/**
 * The same in JSON text, which is kept as its encoder wrote it: whatever is no letter of ASCII may stand
 * there as `\u00e9`, and `\n` may stand before a word. JSON within a string of JSON has more backslashes.
 */
export const jsonWordPattern = (identifiers: readonly string[]): string =>
  `(?is)(?:^|${BEFORE}|${ESCAPE_BEFORE})(?:${identifiers.map(inJson).join('|')})${AFTER}`;

const inJson = (identifier: string): string => Array.from(identifier, characterInJson).join('');

function characterInJson(character: string): string {
  if (/[A-Za-z0-9_]/.test(character)) return character;
  const cases = new Set([character, character.toLowerCase(), character.toUpperCase()]);
  const codes = [...cases].map((one) =>
    one
      .split('')
      .map((unit) => `\\\\+u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
  return `(?:\\\\*${escaped(character)}|${codes.join('|')})`;
}

/** Marks an event whose values were replaced, with the id of the erasure. A producer may send it as well: it proves nothing. */
export const ERASED_ATTRIBUTE = 'ledger.erased';

/** The header of an erased message in quarantine that keeps its producer's id and number: `<uuid>_<number>`. */
export const ERASED_NUMBER = 'ledger.number';

/** Whether an SQL text is such a number, and nothing else. An underscore begins no word, so no identifier is one. */
export const isNumber = (sql: string): string =>
  `match(${sql}, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_[1-9][0-9]*$')`;

/** Attributes that an erasure leaves. */
export const KEPT_ATTRIBUTES = ['ledger.redacted', 'ledger.truncated'] as const;

/** What stands for a value that was there. */
export const ERASED = { text: '[erased]', json: '"[erased]"', object: '{"erased":true}' } as const;

export const PLAIN_TEXTS = [
  'actor_name',
  'target_name',
  'reason',
  'message',
  'error_message',
] as const;
export const JSON_TEXTS = ['data', 'execution'] as const;
const JSON_LISTS = [
  'changes.old',
  'changes.new',
  'mapKeys(attributes)',
  'mapValues(attributes)',
] as const;

/** The names that a JSON Pointer (RFC 6901) leads through, as they are written in it. */
export const namesOfPath = (path: string): string => `splitByChar('/', toString(${path}))`;

/** The name itself. */
export const nameIn = (name: string): string =>
  `replaceAll(replaceAll(${name}, '~1', '/'), '~0', '~')`;

/** Events that are about the person and still have something of theirs. */
export function eventsOf(person: Person, params: Parameters): string {
  const hasMore = `(NOT mapContains(attributes, '${ERASED_ATTRIBUTE}') OR ${HAS_VALUES})`;
  return `${ofTenants(person, params)} AND (${isNamed(person, params)} OR (${isParty(person, params)} AND ${hasMore}))`;
}

const quotedList = (texts: readonly string[]): string =>
  texts.map((text) => `'${text}'`).join(', ');

/** Whether anything is left that an erasure replaces. */
const HAS_VALUES = `(${[
  ...PLAIN_TEXTS.map((text) => `${text} NOT IN ('', '${ERASED.text}')`),
  ...JSON_TEXTS.map((text) => `${text} NOT IN ('', '${ERASED.object}')`),
  `arrayExists(x -> x NOT IN ('', '${ERASED.text}'), related.name)`,
  `arrayExists(x -> x NOT IN ('', '${ERASED.json}'), arrayConcat(changes.old, changes.new))`,
  `source_ip != toIPv6('::')`,
  `arrayExists(x -> x NOT IN (${quotedList([ERASED_ATTRIBUTE, ...KEPT_ATTRIBUTES])}), mapKeys(attributes))`,
].join(' OR ')})`;

/** As actor, target or related party, by id. */
export function isParty({ identifiers }: Person, params: Parameters): string {
  const ids = params.bind(identifiers, 'Array(String)');
  return `(actor_id IN ${ids} OR target_id IN ${ids} OR hasAny(related.id, ${ids}))`;
}

/** In a text. */
export function isNamed({ identifiers }: Person, params: Parameters): string {
  const plain = params.bind(wordPattern(identifiers), 'String');
  const json = params.bind(jsonWordPattern(identifiers), 'String');
  const names = `arrayMap(x -> ${nameIn('x')}, arrayFlatten(arrayMap(x -> ${namesOfPath('x')}, changes.path)))`;
  return `(${[
    isAnyNamed([listOf(PLAIN_TEXTS), 'related.name', names], plain),
    isAnyNamed([listOf(JSON_TEXTS), ...JSON_LISTS], json),
  ].join(' OR ')})`;
}

/** A list of some columns, each a text. */
const listOf = (columns: readonly string[]): string =>
  `[${columns.map((column) => `toString(${column})`).join(', ')}]`;

/**
 * One `match` for all lists: the engine compiles a pattern for each that stands in a statement, for each block,
 * and letters of all scripts take it two milliseconds.
 */
const isAnyNamed = (lists: readonly string[], pattern: string): string =>
  `arrayExists(x -> match(x, ${pattern}), arrayConcat(${lists.join(', ')}))`;

/** Messages in quarantine that name the person anywhere: they have no columns that could be told apart. */
export function messagesOf({ identifiers }: Person, params: Parameters): string {
  const pattern = params.bind(jsonWordPattern(identifiers), 'String');
  const lists = [
    listOf(['message', 'message_key', 'error']),
    'mapKeys(headers)',
    'mapValues(headers)',
  ];
  return isAnyNamed(lists, pattern);
}

/** What operators wrote about their work, beside the events of it: who it was for may stand in it. */
export const RECORDS = {
  audit_holds: ['name', 'owner', 'reason', 'query'],
  audit_erasures: ['reason'],
  audit_quarantine_resolutions: ['reason'],
} as const;

/** Whether one of some columns names the person. */
export function areNamed(
  columns: readonly string[],
  { identifiers }: Person,
  params: Parameters,
): string {
  const pattern = params.bind(wordPattern(identifiers), 'String');
  return isAnyNamed([listOf(columns)], pattern);
}

const ofTenants = ({ tenant }: Person, params: Parameters): string =>
  tenantSql(tenantsOf(tenant), params);
