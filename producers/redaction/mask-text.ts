import { DEFAULT_SECRET_NAMES, type SecretNames } from './secret-names.ts';

/** What stands in a secret's place. */
export const MASK = '[masked]';

/** What is secret in a text. */
export interface Masking {
  /** Values known to be secret. Those under four characters are too common to look for. */
  readonly secrets?: Iterable<string> | undefined;
  /** Names whose values are secret; {@link DEFAULT_SECRET_NAMES} when absent. */
  readonly names?: SecretNames | undefined;
}

const SHORTEST_SECRET = 4;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Without any of these no rule below applies: most texts are let through by one search. */
const SUSPICIOUS = /[=:_]|--|(?<![\w-])-[A-Za-z]|eyJ|xox|[Bb](?:earer|EARER|asic|ASIC)/;

const PRIVATE_KEY =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gu;
/**
 * JSON web tokens, and those of GitHub, Stripe and Slack: they say what they are. A token's head ends
 * where another may begin, so that `eyJ-eyJ-…` is not read to its end from each of them.
 */
const TOKENS =
  /\b(?:eyJ(?:(?!-eyJ)[\w-]){4,}\.[\w-]{4,}\.[\w-]*|gh[pousr]_\w{16,}|github_pat_\w{16,}|sk_(?:live|test)_\w{8,}|xox[abprs]-[\w-]{8,})/gu;
/** RFC 3986, section 3.2.1: `scheme://user:password@host`. */
const USER_INFO = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#@:"'<>]*)((?:[:@][^\s/?#"'<>]*)?)@/giu;
/** RFC 9110, section 11.6.2, wherever it stands. */
const CREDENTIALS = /\b(bearer|basic)(\s+)([\w.~+/=-]{8,})/giu;
const BASE64_LOOKING = /[\d=+/]|[a-z][A-Z]/u;

/** `name=`, `name: `, `"name": `, `--name=`, `?name=`, and of forms `user[name]=`, also escaped. */
const NAME =
  /(?:(?<=%5[Bb])|(?<![\w.]|%(?=5[Bb])))(\d{0,3}[\p{L}_][\w.-]{1,63})(?:\[\d{0,3}\]|\]|%5[Dd])?(?:\\?["']?\s*[=:]\s*)/gu;
/** `--name `. */
const FLAG = /(?<![\w-])(--?[a-zA-Z][\w-]{1,63})\s+(?!-)/gu;
/** What follows one of them: text in quotes, a list, JSON within JSON, a word. No part can fail late. */
const VALUE =
  /(?:"(?:[^"\\]|\\[^]?)*(?:"|$)|'(?:[^'\\]|\\[^]?)*(?:'|$))+|\[(?!masked\])[^\]]*\]?|\\"(?:[^"\\]|\\\\\\[^]|\\\\|\\(?!["\\]))*(?:\\?"|$)|(?:\[masked\]|[^\s,;&"'<>}\])])+/uy;
/** Headers whose value has spaces in it, and `name="value"`. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*)(?:="[^"\r\n]*"|='[^'\r\n]*'|[^\r\n"'])+/giu;

/** Whether a text may hold a secret that is not known beforehand. */
export const isSuspicious = (text: unknown): boolean =>
  text !== undefined && (typeof text !== 'string' || SUSPICIOUS.test(text));

/**
 * A text without its secrets: known values; what stands in `name=value`, `name: value` and
 * `--name value` under a secret's name; passwords in URLs; credentials in headers; private keys;
 * tokens that are known by their looks. Pure; takes time in proportion to the text.
 *
 * @example
 * maskText('psql postgres://app:hunter2@db/shop'); // 'psql postgres://app:[masked]@db/shop'
 */
export function maskText(
  text: string,
  { secrets, names = DEFAULT_SECRET_NAMES }: Masking = {},
): string {
  const known = secrets === undefined ? text : withoutKnown(text, secrets);
  if (!SUSPICIOUS.test(known)) return known;
  const masked = known
    .replaceAll(PRIVATE_KEY, MASK)
    .replaceAll(TOKENS, MASK)
    .replaceAll(USER_INFO, withoutPassword)
    .replaceAll(HEADER, (whole, name: string, between: string) =>
      names.has(name) ? `${name}${between}${MASK}` : whole,
    )
    .replaceAll(CREDENTIALS, (whole, scheme: string, space: string, value: string) =>
      scheme.toLowerCase() === 'bearer' || BASE64_LOOKING.test(value)
        ? `${scheme}${space}${MASK}`
        : whole,
    );
  return withoutNamed(withoutNamed(masked, NAME, names), FLAG, names);
}

/** Without the values that follow secrets' names; those after other names may hold such names. */
function withoutNamed(text: string, introduction: RegExp, names: SecretNames): string {
  let masked = '';
  let copied = 0;
  introduction.lastIndex = 0;
  for (let found = introduction.exec(text); found !== null; found = introduction.exec(text)) {
    if (!names.has(found[1] ?? '')) continue;
    const at = introduction.lastIndex;
    VALUE.lastIndex = at;
    const value = VALUE.exec(text)?.[0];
    if (value === undefined || value === MASK) continue;
    masked += text.slice(copied, at) + quotedMask(found[0], value);
    copied = at + value.length;
    introduction.lastIndex = copied;
  }
  return masked + text.slice(copied);
}

/** Quotes stay, and a number after a quoted name gets some, so that JSON stays JSON. */
const quotedMask = (introduction: string, value: string): string => {
  const [quote] = /^\\?["']/u.exec(value) ?? /\\?"(?=\s*:)/u.exec(introduction) ?? [''];
  return `${quote}${MASK}${quote}`;
};

/** `https://ghp_x@host` has its token in the user's place; `ssh://git@host` has only a user there. */
const withoutPassword = (whole: string, scheme: string, user: string, rest: string): string => {
  if (rest.startsWith(':')) return `${scheme}${user}:${MASK}@`;
  return user + rest !== '' && /^https?:/iu.test(scheme) ? `${scheme}${MASK}@` : whole;
};

/** Letters, digits and what else JSON and URLs leave as it is. */
const SAME_EVERYWHERE = /^[\w.~-]*$/u;

/** The longest first: one secret may begin with another. Also as URLs and JSON would write them. */
function withoutKnown(text: string, secrets: Iterable<string>): string {
  const found = new Set<string>();
  const seek = (form: string): void => {
    if (text.includes(form)) found.add(form);
  };
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    seek(secret);
    if (SAME_EVERYWHERE.test(secret)) continue;
    seek(JSON.stringify(secret).slice(1, -1));
    seek(encodeURIComponent(secret.replaceAll(LONE_SURROGATE, '\ufffd')));
  }
  if (found.size === 0) return text;
  return [...found]
    .toSorted((a, b) => b.length - a.length)
    .reduce((masked, form) => masked.replaceAll(form, () => MASK), text);
}
