/**
 * Names under which secrets are kept, as people write them. A name is secret when a listed one is
 * all of it, its last word, or, from five letters on, its end: `DB_PASSWORD`, `x-api-key`,
 * `clientSecret`, `pgpassword`, but neither `compass` nor `token_count`.
 */
export const SECRET_NAMES = [
  'access_key',
  'api_key',
  'api_keys',
  'auth',
  'authorization',
  'backup_codes',
  'bearer',
  'client_secret',
  'connection_string',
  'cookie',
  'cookies',
  'credential',
  'credentials',
  'creds',
  'cvc',
  'cvv',
  'encryption_key',
  'jwt',
  'master_key',
  'otp',
  'pass',
  'passcode',
  'passphrase',
  'passwd',
  'password',
  'passwords',
  'pin',
  'private_key',
  'pwd',
  'recovery_codes',
  'secret',
  'secret_key',
  'secrets',
  'set_cookie',
  'signing_key',
  'token',
  'totp',
] as const;

/** From so many letters on, a listed name is also found at the end of a word. */
const LONG_ENOUGH = 5;
/** Names that callers make up have no end; those that were judged are remembered up to here. */
const REMEMBERED_NAMES = 10_000;
const LONGEST_NAME = 256;

/** `user[password]`, as forms have it, ends in a name as `user.password` does. */
const SEPARATORS = /[^\p{L}\p{N}]+/gu;

const bare = (name: string): string => name.toLowerCase().replaceAll(SEPARATORS, '');

const lastWord = (name: string): string =>
  name
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/gu, '_')
    .split(SEPARATORS)
    .findLast((word) => word !== '')
    ?.toLowerCase() ?? '';

/** Which names are added to the list, and which are taken from it. */
export interface SecretNameOptions {
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
}

/** Tells whether what stands under a name is a secret. */
export class SecretNames {
  readonly #listed: ReadonlySet<string>;
  readonly #ends: readonly string[];
  readonly #judged = new Map<string, boolean>();

  constructor({ add = [], remove = [] }: SecretNameOptions = {}) {
    const removed = new Set(remove.map(bare));
    const listed = [...SECRET_NAMES, ...add].map(bare);
    this.#listed = new Set(listed.filter((name) => name !== '' && !removed.has(name)));
    this.#ends = [...this.#listed].filter((name) => name.length >= LONG_ENOUGH);
  }

  has(name: string): boolean {
    const known = this.#judged.get(name);
    if (known !== undefined) return known;
    const secret = this.#judge(name.slice(-LONGEST_NAME));
    if (this.#judged.size < REMEMBERED_NAMES && name.length <= LONGEST_NAME) {
      this.#judged.set(name, secret);
    }
    return secret;
  }

  #judge(name: string): boolean {
    const whole = bare(name);
    return (
      this.#listed.has(whole) ||
      this.#listed.has(lastWord(name)) ||
      this.#ends.some((end) => whole.endsWith(end))
    );
  }
}

/** The list as it is, for those who change nothing. */
export const DEFAULT_SECRET_NAMES = new SecretNames();
