/**
 * How a client of Kafka proves who it is and knows whom it talks to, as environment variables say it:
 * the same for workers, the command line and services. Pure: files are read by the caller.
 */
import type { ConfigurationFault } from './configuration-error.ts';

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export interface KafkaSecurity {
  /** `true`: TLS, with the authorities that Node trusts. PEM texts otherwise. */
  readonly ssl?:
    | true
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
      }
    | undefined;
  readonly sasl?:
    | {
        readonly mechanism: SaslMechanism;
        readonly username: string;
        readonly password: string;
      }
    | undefined;
}

export const KAFKA_SECURITY_VARIABLES = [
  'LEDGERLINE_KAFKA_TLS',
  'LEDGERLINE_KAFKA_TLS_CA_FILE',
  'LEDGERLINE_KAFKA_TLS_CERT_FILE',
  'LEDGERLINE_KAFKA_TLS_KEY_FILE',
  'LEDGERLINE_KAFKA_SASL_MECHANISM',
  'LEDGERLINE_KAFKA_SASL_USERNAME',
  'LEDGERLINE_KAFKA_SASL_PASSWORD',
  'LEDGERLINE_KAFKA_SASL_PASSWORD_FILE',
] as const;
type Variable = (typeof KAFKA_SECURITY_VARIABLES)[number];
type Variables = Readonly<Record<string, string | undefined>>;

/** Answers a file's text; throws as `readFileSync` does. */
type ReadFile = (path: string) => string;

interface SecurityReading {
  readonly security: KafkaSecurity;
  readonly faults: readonly ConfigurationFault[];
}

/**
 * Reads the eight variables; empty means not set. All faults are told, none holds a secret.
 *
 * @example
 * kafkaSecurity({ LEDGERLINE_KAFKA_TLS: 'true' }, readText).security; // { ssl: true }
 */
export function kafkaSecurity(env: Variables, readFile: ReadFile): SecurityReading {
  const faults: ConfigurationFault[] = [];
  const fault = (name: Variable, problem: string): void => void faults.push({ name, problem });
  const said = (name: Variable): string | undefined => env[name] || undefined;
  const file = (name: Variable): string | undefined => {
    const path = said(name);
    if (path === undefined) return undefined;
    const read = textOf(path, readFile);
    if ('problem' in read) fault(name, read.problem);
    return 'text' in read ? read.text : undefined;
  };

  const ssl = (): KafkaSecurity['ssl'] => {
    const tls = said('LEDGERLINE_KAFKA_TLS') ?? 'false';
    if (tls !== 'true' && tls !== 'false') fault('LEDGERLINE_KAFKA_TLS', 'must be true or false');
    const files = [
      'LEDGERLINE_KAFKA_TLS_CA_FILE',
      'LEDGERLINE_KAFKA_TLS_CERT_FILE',
      'LEDGERLINE_KAFKA_TLS_KEY_FILE',
    ] as const;
    const given = files.filter((name) => said(name) !== undefined);
    if (tls !== 'true') {
      for (const name of given) fault(name, 'needs LEDGERLINE_KAFKA_TLS=true');
      return undefined;
    }
    const [ca, cert, key] = files.map(file);
    const [, certFile, keyFile] = files;
    if (said(certFile) && !said(keyFile)) fault(certFile, `needs ${keyFile}`);
    if (said(keyFile) && !said(certFile)) fault(keyFile, `needs ${certFile}`);
    return given.length === 0 ? true : { ca, cert, key };
  };

  const sasl = (): KafkaSecurity['sasl'] => {
    const mechanism = said('LEDGERLINE_KAFKA_SASL_MECHANISM');
    const username = said('LEDGERLINE_KAFKA_SASL_USERNAME');
    const password = said('LEDGERLINE_KAFKA_SASL_PASSWORD');
    const passwordFile = said('LEDGERLINE_KAFKA_SASL_PASSWORD_FILE');
    if (mechanism === undefined) {
      for (const name of [
        'LEDGERLINE_KAFKA_SASL_USERNAME',
        'LEDGERLINE_KAFKA_SASL_PASSWORD',
        'LEDGERLINE_KAFKA_SASL_PASSWORD_FILE',
      ] as const) {
        if (said(name)) fault(name, 'needs LEDGERLINE_KAFKA_SASL_MECHANISM');
      }
      return undefined;
    }
    if (!isMechanism(mechanism)) {
      fault('LEDGERLINE_KAFKA_SASL_MECHANISM', `must be one of ${SASL_MECHANISMS.join(', ')}`);
    }
    if (username === undefined) {
      fault('LEDGERLINE_KAFKA_SASL_USERNAME', 'is required with LEDGERLINE_KAFKA_SASL_MECHANISM');
    }
    if (password !== undefined && passwordFile !== undefined) {
      fault(
        'LEDGERLINE_KAFKA_SASL_PASSWORD_FILE',
        'and the password itself are given: leave one empty',
      );
    }
    if (password === undefined && passwordFile === undefined) {
      fault(
        'LEDGERLINE_KAFKA_SASL_PASSWORD',
        'or LEDGERLINE_KAFKA_SASL_PASSWORD_FILE is required with LEDGERLINE_KAFKA_SASL_MECHANISM',
      );
    }
    const secret = password ?? withoutLineEnd(file('LEDGERLINE_KAFKA_SASL_PASSWORD_FILE'));
    if (!isMechanism(mechanism) || username === undefined || secret === undefined) return undefined;
    return { mechanism, username, password: secret };
  };

  const security = { ssl: ssl(), sasl: sasl() };
  return { security, faults };
}

/** A file that a variable names: its text, or what is wrong with it. */
export function textOf(
  path: string,
  readFile: ReadFile,
): { readonly text: string } | { readonly problem: string } {
  try {
    const text = readFile(path);
    return text.trim() === '' ? { problem: 'names an empty file' } : { text };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `names a file that cannot be read (${code})` };
  }
}

/** Editors and `echo` end a file with a line end, which is no part of a password. */
export const withoutLineEnd = (text: string | undefined): string | undefined =>
  text?.replace(/\r?\n$/, '');

const isMechanism = (text: string): text is SaslMechanism =>
  SASL_MECHANISMS.some((mechanism) => mechanism === text);
