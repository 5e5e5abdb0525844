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

/** An end that is missing is a group: {@link maskBeginning} leaves it open. */
const PRIVATE_KEY =
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|($))/gu;
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
/**
 * What follows one of them: text in quotes, a list, JSON within JSON, a word. No part can fail late.
 * The groups are the missing ends of those that have one.
 */
const VALUE =
  /(?:"(?:[^"\\]|\\[^]?)*(?:"|($))|'(?:[^'\\]|\\[^]?)*(?:'|($)))+|\[(?!masked\])[^\]]*(?:\]|($))|\\"(?:[^"\\]|\\\\\\[^]|\\\\|\\(?!["\\]))*(?:\\?"|($))|(?:\[masked\]|[^\s,;&"'<>}\])])+/uy;
/** What each of these groups began with. */
const BEGINNINGS = ['"', "'", '[', '\\"'];
const WORD_AT_END = /(?:\[masked\]|[^\s,;&"'<>}\])])$/u;
/** Headers whose value has spaces in it, and `name="value"`; the groups behind are missing ends. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*)(?=\S)(?:="[^"\r\n]*(?:"|($))|='[^'\r\n]*(?:'|($))|[^\r\n"'])+/giu;

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
export const maskText = (text: string, masking: Masking = {}): string =>
  masked(text, masking, false);

/**
 * {@link maskText} for the beginning of a text that goes on. A secret that reaches its end is left
 * without an end: masked again together with what follows, it ends where it does in the whole text.
 */
export const maskBeginning = (text: string, masking: Masking): string =>
  masked(text, masking, true);

function masked(
  text: string,
  { secrets, names = DEFAULT_SECRET_NAMES }: Masking,
  goesOn: boolean,
): string {
  const known = secrets === undefined ? text : withoutKnown(text, secrets);
  if (!SUSPICIOUS.test(known)) return known;
  const found = known
    .replaceAll(PRIVATE_KEY, (whole, begin: string, noEnd?: string) =>
      goesOn && noEnd !== undefined ? openKey(whole, begin) : MASK,
    )
    .replaceAll(TOKENS, MASK)
    .replaceAll(USER_INFO, withoutPassword)
    .replaceAll(
      HEADER,
      (whole, name: string, between: string, noDouble?: string, noSingle?: string) => {
        if (!names.has(name)) return whole;
        return `${name}${between}${MASK}${goesOn ? openPair(whole, noDouble, noSingle) : ''}`;
      },
    )
    .replaceAll(CREDENTIALS, (whole, scheme: string, space: string, value: string) =>
      scheme.toLowerCase() === 'bearer' || BASE64_LOOKING.test(value)
        ? `${scheme}${space}${MASK}`
        : whole,
    );
  return withoutNamed(withoutNamed(found, NAME, names, goesOn), FLAG, names, goesOn);
}

/** More than the line that ends a key, which may have begun. */
const END_OF_KEY = 64;

const openKey = (key: string, begin: string): string =>
  begin + key.slice(begin.length).slice(-END_OF_KEY);

/** What keeps a cookie open whose value has no end yet, or is still to come. */
function openPair(header: string, noDouble?: string, noSingle?: string): string {
  if (noDouble !== undefined) return '; ="';
  if (noSingle !== undefined) return "; ='";
  return header.endsWith('=') ? '; =' : '';
}

/** Without the values that follow secrets' names; those after other names may hold such names. */
function withoutNamed(
  text: string,
  introduction: RegExp,
  names: SecretNames,
  goesOn: boolean,
): string {
  let masked = '';
  let copied = 0;
  introduction.lastIndex = 0;
  for (let found = introduction.exec(text); found !== null; found = introduction.exec(text)) {
    if (!names.has(found[1] ?? '')) continue;
    const at = introduction.lastIndex;
    VALUE.lastIndex = at;
    const value = VALUE.exec(text);
    if (value === null) continue;
    const end = VALUE.lastIndex;
    const open = goesOn && end === text.length ? openMask(found[0], value) : undefined;
    masked += text.slice(copied, at) + (open ?? quotedMask(found[0], value[0]));
    copied = end;
    introduction.lastIndex = end;
  }
  return masked + text.slice(copied);
}

/** In the place of a value that may go on; undefined where it has its end. */
function openMask(introduction: string, [whole, ...noEnds]: RegExpExecArray): string | undefined {
  const beginning = BEGINNINGS.find((_, group) => noEnds[group] !== undefined);
  if (beginning === undefined) {
    // It may be half of a `\\"`.
    if (whole === '\\') return whole;
    return WORD_AT_END.test(whole) ? MASK : undefined;
  }
  if (beginning === '[') return MASK.slice(0, -1);
  // A backslash has its say about what follows.
  const backslashes = '\\'.repeat((/\\*$/u.exec(whole)?.[0].length ?? 0) % 4);
  if (beginning === '\\"') return beginning + MASK + backslashes;
  return quotedMask(introduction, whole) + beginning + backslashes;
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

/** A known secret as it is, and as JSON and URLs would write it. */
export function formsOf(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  if (SAME_EVERYWHERE.test(secret)) return [secret];
  const inUrls = encodeURIComponent(secret.replaceAll(LONE_SURROGATE, '\ufffd'));
  return [secret, JSON.stringify(secret).slice(1, -1), inUrls];
}

/** The longest first: one secret may begin with another. */
function withoutKnown(text: string, secrets: Iterable<string>): string {
  const found = new Set<string>();
  for (const secret of secrets) {
    for (const form of formsOf(secret)) if (text.includes(form)) found.add(form);
  }
  if (found.size === 0) return text;
  return [...found]
    .toSorted((a, b) => b.length - a.length)
    .reduce((masked, form) => masked.replaceAll(form, () => MASK), text);
}
