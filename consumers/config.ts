/** The worker's options, from the environment, all faults at once. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError, type ConfigurationFault } from '../schemas/configuration-error.ts';
import {
  KAFKA_SECURITY_VARIABLES,
  kafkaSecurity,
  type KafkaSecurity,
  textOf,
  withoutLineEnd,
} from '../schemas/kafka-security.ts';

const count = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
const MIB = 1024 * 1024;

/**
 * Every variable that the consuming side reads, with its default. .env.example says what each is
 * for; names end in the unit.
 */
const environment = z.object({
  LEDGERLINE_KAFKA_BROKERS: z
    .string()
    .default('127.0.0.1:9092')
    .transform((list) => list.split(',').map((one) => one.trim()))
    .pipe(
      z
        .array(
          z.string().regex(/^[^\s:]+:\d{1,5}$/, 'must be host:port, several separated by commas'),
        )
        .min(1),
    ),
  LEDGERLINE_KAFKA_TOPIC: z
    .string()
    .regex(
      /^[A-Za-z0-9._-]{1,249}$/,
      'must be a Kafka topic name: letters, digits, dot, dash, underscore',
    )
    .default('audit.events'),
  LEDGERLINE_KAFKA_GROUP: z.string().min(1).max(200).default('ledgerline'),
  LEDGERLINE_CLICKHOUSE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
    .default('http://127.0.0.1:8123'),
  LEDGERLINE_CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a database name: letters, digits, underscore')
    .default('ledgerline'),
  LEDGERLINE_CLICKHOUSE_CLUSTER: z
    .string()
    .regex(
      /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/,
      'must be the name of a cluster: letters, digits, underscore, dot, dash',
    )
    .optional(),
  LEDGERLINE_CLICKHOUSE_USER: z.string().min(1).default('default'),
  LEDGERLINE_CLICKHOUSE_PASSWORD: z.string().default(''),
  LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: z.string().optional(),
  LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: z.string().optional(),
  LEDGERLINE_HTTP_HOST: z.string().default('127.0.0.1'),
  LEDGERLINE_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  LEDGERLINE_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info'),
  LEDGERLINE_BATCH_ROWS: count(1, 1_000_000, 20_000),
  LEDGERLINE_BATCH_BYTES: count(1024, 128 * MIB, 20 * MIB),
  LEDGERLINE_BATCH_AGE_MS: count(10, 60_000, 700),
  LEDGERLINE_BATCH_AGE_MAX_MS: count(10, 60_000, 5_000),
  LEDGERLINE_INSERTS_PER_MINUTE: count(1, 100_000, 360),
  LEDGERLINE_BUFFER_BYTES: count(MIB, 4096 * MIB, 72 * MIB),
  LEDGERLINE_MAX_MESSAGE_BYTES: count(1024, 64 * MIB, MIB),
  LEDGERLINE_CONCURRENT_INSERTS: count(1, 16, 2),
  LEDGERLINE_INSERT_TIMEOUT_MS: count(1_000, 600_000, 20_000),
  LEDGERLINE_LEASE_MS: count(5_000, 3_600_000, 60_000),
  LEDGERLINE_SESSION_TIMEOUT_MS: count(6_000, 300_000, 6_000),
  LEDGERLINE_DRAIN_TIMEOUT_MS: count(100, 300_000, 15_000),
  LEDGERLINE_DEAD_LETTER_TOPIC: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be a Kafka topic name')
    .optional(),
  LEDGERLINE_ACCEPT_LOSS: z.enum(['none', 'retention', 'recreated']).default('none'),
});

/** What `ledgerline worker` and `ledgerline verify` run with. */
export interface WorkerConfig {
  readonly kafka: KafkaSecurity & {
    readonly brokers: readonly string[];
    readonly topic: string;
    readonly group: string;
  };
  readonly clickhouse: {
    readonly url: string;
    readonly database: string;
    /** Of the servers' `remote_servers`; one node when absent. */
    readonly cluster?: string | undefined;
    readonly username: string;
    readonly password: string;
    /** PEM of the authorities that may have signed the server's certificate; Node's own when absent. */
    readonly caCertificate?: string | undefined;
  };
  /** Where health and metrics are served; nowhere when absent. Port 0: any that is free. */
  readonly http?: { readonly host: string; readonly port: number } | undefined;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly batch: {
    readonly maxRows: number;
    readonly maxBytes: number;
    /** The age at which batches leave: the first while few partitions are busy, up to the second. */
    readonly maxAgeMs: number;
    readonly stretchedAgeMs: number;
    /** From all workers, as far as `stretchedAgeMs` allows. */
    readonly insertsPerMinute: number;
  };
  /** Bytes of messages held at once, over all partitions of this worker. */
  readonly bufferBytes: number;
  readonly maxMessageBytes: number;
  readonly concurrentInserts: number;
  readonly insertTimeoutMs: number;
  readonly leaseMs: number;
  readonly sessionTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Which loss the operator has accepted: it is recorded in quarantine, and the worker goes on. */
  readonly acceptLoss: 'none' | 'retention' | 'recreated';
  /** Where copies of quarantined messages go, besides audit_quarantine; nowhere when absent. */
  readonly deadLetterTopic?: string | undefined;
}

/** Names that other parts of Ledgerline read: known here, so that a typo can be told from them. */
const ELSEWHERE =
  /^(AUDIT_TRAIL_\w+|LEDGERLINE_KAFKA_COMPRESSION|LEDGERLINE_CONFIG_FILE|LEDGERLINE_RETENTION_FILE|LEDGERLINE_RECORD_READS|LEDGERLINE_OUTBOX_(URL|SCHEMA|BATCH_ROWS|POLL_MS))$/;

const isKnown = (key: string): boolean =>
  key in environment.shape ||
  KAFKA_SECURITY_VARIABLES.some((name) => name === key) ||
  ELSEWHERE.test(key);

type Read = z.output<typeof environment>;

const readText = (path: string): string => readFileSync(path, 'utf8');

/**
 * Reads the options from environment variables, and the files of certificates and passwords that they
 * name.
 *
 * @param env e.g. `process.env`
 * @throws ConfigurationError CONFIG_INVALID, whose message lists every unknown key and malformed value
 * @example
 * const config = workerConfig(process.env);
 */
export function workerConfig(env: Readonly<Record<string, string | undefined>>): WorkerConfig {
  const faults: ConfigurationFault[] = [];
  for (const name of Object.keys(env)) {
    if (name.startsWith('LEDGERLINE_') && !isKnown(name)) {
      faults.push({ name, problem: 'unknown option' });
    }
  }
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const kafka = kafkaSecurity(env, readText);
  faults.push(...kafka.faults);
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      faults.push({ name: String(issue.path[0]), problem: issue.message });
    }
    throw new ConfigurationError(faults);
  }
  const e = parsed.data;
  if (e.LEDGERLINE_LEASE_MS < 2 * e.LEDGERLINE_INSERT_TIMEOUT_MS) {
    faults.push({
      name: 'LEDGERLINE_LEASE_MS',
      problem: 'must be at least twice LEDGERLINE_INSERT_TIMEOUT_MS, so that a slow insert fits',
    });
  }
  if (e.LEDGERLINE_DEAD_LETTER_TOPIC === e.LEDGERLINE_KAFKA_TOPIC) {
    faults.push({
      name: 'LEDGERLINE_DEAD_LETTER_TOPIC',
      problem: 'must not be LEDGERLINE_KAFKA_TOPIC: what cannot be read would come back for ever',
    });
  }
  const clickhouse = clickhouseOf(e, faults);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return {
    kafka: {
      brokers: e.LEDGERLINE_KAFKA_BROKERS,
      topic: e.LEDGERLINE_KAFKA_TOPIC,
      group: e.LEDGERLINE_KAFKA_GROUP,
      ...kafka.security,
    },
    clickhouse,
    http:
      e.LEDGERLINE_HTTP_PORT === undefined
        ? undefined
        : { host: e.LEDGERLINE_HTTP_HOST, port: e.LEDGERLINE_HTTP_PORT },
    logLevel: e.LEDGERLINE_LOG_LEVEL,
    batch: {
      maxRows: e.LEDGERLINE_BATCH_ROWS,
      maxBytes: e.LEDGERLINE_BATCH_BYTES,
      maxAgeMs: e.LEDGERLINE_BATCH_AGE_MS,
      stretchedAgeMs: e.LEDGERLINE_BATCH_AGE_MAX_MS,
      insertsPerMinute: e.LEDGERLINE_INSERTS_PER_MINUTE,
    },
    bufferBytes: e.LEDGERLINE_BUFFER_BYTES,
    maxMessageBytes: e.LEDGERLINE_MAX_MESSAGE_BYTES,
    concurrentInserts: e.LEDGERLINE_CONCURRENT_INSERTS,
    insertTimeoutMs: e.LEDGERLINE_INSERT_TIMEOUT_MS,
    leaseMs: e.LEDGERLINE_LEASE_MS,
    sessionTimeoutMs: e.LEDGERLINE_SESSION_TIMEOUT_MS,
    drainTimeoutMs: e.LEDGERLINE_DRAIN_TIMEOUT_MS,
    acceptLoss: e.LEDGERLINE_ACCEPT_LOSS,
    deadLetterTopic: e.LEDGERLINE_DEAD_LETTER_TOPIC,
  };
}

function clickhouseOf(e: Read, faults: ConfigurationFault[]): WorkerConfig['clickhouse'] {
  const file = (
    name: 'LEDGERLINE_CLICKHOUSE_PASSWORD_FILE' | 'LEDGERLINE_CLICKHOUSE_TLS_CA_FILE',
  ): string | undefined => {
    const path = e[name];
    if (path === undefined) return undefined;
    const read = textOf(path, readText);
    if ('problem' in read) faults.push({ name, problem: read.problem });
    return 'text' in read ? read.text : undefined;
  };
  if (e.LEDGERLINE_CLICKHOUSE_PASSWORD !== '' && e.LEDGERLINE_CLICKHOUSE_PASSWORD_FILE) {
    faults.push({
      name: 'LEDGERLINE_CLICKHOUSE_PASSWORD_FILE',
      problem: 'and the password itself are given: leave one empty',
    });
  }
  if (e.LEDGERLINE_CLICKHOUSE_TLS_CA_FILE && e.LEDGERLINE_CLICKHOUSE_URL.startsWith('http:')) {
    faults.push({
      name: 'LEDGERLINE_CLICKHOUSE_TLS_CA_FILE',
      problem: 'needs an https:// address in LEDGERLINE_CLICKHOUSE_URL',
    });
  }
  return {
    url: e.LEDGERLINE_CLICKHOUSE_URL,
    database: e.LEDGERLINE_CLICKHOUSE_DATABASE,
    cluster: e.LEDGERLINE_CLICKHOUSE_CLUSTER,
    username: e.LEDGERLINE_CLICKHOUSE_USER,
    password:
      withoutLineEnd(file('LEDGERLINE_CLICKHOUSE_PASSWORD_FILE')) ??
      e.LEDGERLINE_CLICKHOUSE_PASSWORD,
    caCertificate: file('LEDGERLINE_CLICKHOUSE_TLS_CA_FILE'),
  };
}
