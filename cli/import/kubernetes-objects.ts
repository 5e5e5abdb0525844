import { isObject } from './json.ts';

const MASK = '***';
/** Deeper than any object of the API, so that a hostile one cannot exhaust the stack. */
const MAX_DEPTH = 64;

/** kubectl keeps the whole object as it was applied in this annotation: a secret's contents too. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Kinds that hold working credentials, and where. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  Secret: ['data', 'stringData'],
  SecretList: [],
  TokenRequest: ['token'],
  TokenReview: ['token'],
};

/**
 * An object of the API as it was sent or answered, the contents of secrets and tokens masked, also
 * within lists. An audit policy should not log them (level `Metadata` for secrets), but many do.
 *
 * @param redacted is told the path of all that was masked
 */
export function withoutSecrets(value: unknown, path: string, redacted: string[]): unknown {
  return cleaned(value, path, redacted, undefined, MAX_DEPTH);
}

function cleaned(
  value: unknown,
  path: string,
  redacted: string[],
  within: string | undefined,
  depth: number,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) {
    note(path, redacted);
    return MASK;
  }
  if (Array.isArray(value)) {
    return value.map((item) => cleaned(item, `${path}[]`, redacted, within, depth - 1));
  }
  if (!isObject(value)) return value;
  const kind = kindOf(value, within);
  const secrets = kind === undefined ? undefined : SECRETS[kind];
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const at = `${path}.${name}`;
      const isSecret =
        secrets !== undefined &&
        inner !== null &&
        inner !== undefined &&
        (secrets.includes(name) || name === LAST_APPLIED);
      if (!isSecret) return [name, cleaned(inner, at, redacted, kind, depth - 1)];
      note(at, redacted);
      return [name, isObject(inner) ? maskedKeys(inner) : MASK];
    }),
  );
}

/** What names its kind is of that kind; items of a list of secrets, and parts of one, do not. */
function kindOf(value: Readonly<Record<string, unknown>>, within: string | undefined) {
  const { kind } = value;
  if (typeof kind === 'string' && Object.hasOwn(SECRETS, kind)) return kind;
  if (typeof kind === 'string' && 'apiVersion' in value) return undefined;
  return within === 'SecretList' ? 'Secret' : within;
}

/** That a secret has a key of this name is worth knowing, and no secret. */
const maskedKeys = (value: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.keys(value).map((name) => [name, MASK]));

function note(path: string, redacted: string[]): void {
  if (!redacted.includes(path) && redacted.length < 100) redacted.push(path);
}
