import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { LedgerlineError, type Catalog, type Category, type Party } from '../schemas/index.ts';
import type { Clock } from './clock.ts';
import { COMPRESSIONS, type Compression } from './compression.ts';
import { harmless, type Logger } from './logger.ts';
import { policyOptions, saidBesidePolicy, type PolicyOptions } from './policy/policy-options.ts';
import { redactionSchema, type RedactionOptions } from './redaction/rules.ts';
import type { Transport } from './transport.ts';

/** What holds where an option says nothing. */
export const DEFAULTS = {
  topic: 'audit.events',
  level: 'writes_only',
  tenant: 'default',
  clientId: 'ledgerline',
  connectionTimeoutMs: 3_000,
  requestTimeoutMs: 10_000,
  flushIntervalMs: 100,
  maxBufferedEvents: 100_000,
  maxBufferedBytes: 64 * 1024 * 1024,
  recordTimeoutMs: 10_000,
  flushTimeoutMs: 10_000,
  closeTimeoutMs: 10_000,
  closeAfterTimeoutMs: 20_000,
  maxBatchEvents: 1_000,
  compression: 'none',
  maxSpoolBytes: 1024 ** 3,
  spoolFsync: 'interval',
  reportIntervalMs: 60_000,
} as const;

/** One send: well under Kafka's usual limit of 1,048,588 bytes for a batch. */
export const BATCH_LIMITS = { maxEvents: DEFAULTS.maxBatchEvents, maxBytes: 900_000 } as const;

/** When the spool is written through to the disk itself; docs/producer.md says what each survives. */
export const FSYNC_POLICIES = ['never', 'interval', 'always'] as const;
export type FsyncPolicy = (typeof FSYNC_POLICIES)[number];

/** Where events wait on disk while Kafka is away, and across restarts. */
export interface SpoolOptions {
  /** Made where it is missing. Processes may share one; machines had better not. */
  readonly directory: string;
  /** Of this process's part of the folder; 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** `interval`: once a second. */
  readonly fsync?: FsyncPolicy | undefined;
}

/** When a ledger closes by itself. */
export const CLOSING_OCCASIONS = ['SIGTERM', 'SIGINT', 'beforeExit'] as const;
export type ClosingOccasion = (typeof CLOSING_OCCASIONS)[number];

export interface SaslOptions {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaConnection {
  /** `host:port`, one or more of the cluster's. */
  readonly brokers: readonly string[];
  /** How the broker's logs and quotas name this client; `ledgerline`. */
  readonly clientId?: string | undefined;
  /** `true`, or Node's TLS options: `{ ca, cert, key, … }`. */
  readonly ssl?: boolean | ConnectionOptions | undefined;
  readonly sasl?: SaslOptions | undefined;
  /** How long one connection attempt may take; 3,000. */
  readonly connectionTimeoutMs?: number | undefined;
  /** How long a broker may take to answer one request; 10,000. */
  readonly requestTimeoutMs?: number | undefined;
}

/** Where encoded events go and how many may wait: what ledgers and publishers have in common. */
export interface DeliveryOptions {
  readonly kafka?: KafkaConnection | undefined;
  /** In place of `kafka`: for tests, or for another log. */
  readonly transport?: Transport | undefined;
  /** `audit.events`. It has to exist. */
  readonly topic?: string | undefined;
  /** `none`, `gzip`, `lz4` or `zstd`; `none`. */
  readonly compression?: Compression | undefined;
  /** How long an event waits for company while the service is idle; 100. 0: not at all. */
  readonly flushIntervalMs?: number | undefined;
  /** What leaves together. */
  readonly batch?:
    | {
        /** So many leave at once, without waiting for the interval; 1,000. */
        readonly maxEvents?: number | undefined;
      }
    | undefined;
  /** What may wait in memory while Kafka is slow or away. */
  readonly buffer?:
    | {
        /** 100,000. */
        readonly maxEvents?: number | undefined;
        /** Encoded; 64 MiB. */
        readonly maxBytes?: number | undefined;
      }
    | undefined;
  /** Lines on stderr when absent; pino's loggers fit. */
  readonly logger?: Logger | undefined;
}

export interface LedgerOptions<C> extends DeliveryOptions, PolicyOptions {
  /** Who emits: `control-panel`. */
  readonly service: string;
  /** From `defineCatalog`; or several parts of one, to be combined. */
  readonly catalog: C;
  /** The tenant of events that name none; `default`. */
  readonly tenant?: string | undefined;
  /** The actor of events that name none: `{ type: 'system', id: 'scheduler' }`. */
  readonly actor?: Party | undefined;
  /** The key of hashed fields, and further names of secrets: docs/redaction.md. */
  readonly redaction?: RedactionOptions | undefined;
  /**
   * Called for each event that should have been kept and will not reach Kafka. What it throws is
   * ignored.
   */
  readonly onError?: ((error: LedgerlineError) => void) | undefined;
  /**
   * `false`: each event is sent at once, and its receipt carries the promise `delivered`; `true`.
   */
  readonly async?: boolean | undefined;
  /** Without it categories with `durability: 'disk'` wait in memory like the others. */
  readonly spool?: SpoolOptions | undefined;
  /** When to close by itself: `['SIGTERM', 'SIGINT', 'beforeExit']`; never, when absent. */
  readonly closeOn?: readonly ClosingOccasion[] | undefined;
  /**
   * What comes before a close by itself, and is waited for, 20,000 ms at most: the requests in hand,
   * which still emit: `() => app.close()`. A ledger that is closed takes no more events.
   */
  readonly closeAfter?: (() => unknown) | undefined;
  /**
   * How often the counters are recorded as an event, beside the start and the close; 60,000 ms.
   * `false`: never, which is the default with a `transport` of your own.
   */
  readonly reportIntervalMs?: number | false | undefined;
  /** Microseconds since 1970. */
  readonly clock?: Clock | undefined;
}

const name = z.string().min(1).max(1024);
const duration = z.int().min(0).max(3_600_000);
const timeout = z.int().min(1).max(3_600_000);
const called = <F>(): z.ZodType<F> =>
  z.custom<F>((value) => typeof value === 'function', 'must be a function');
const having = <T>(...methods: string[]): z.ZodType<T> =>
  z.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof Reflect.get(value, method) === 'function'),
    `must have ${methods.join(', ')}`,
  );

const kafka = z
  .strictObject({
    brokers: z.array(z.string().regex(/^[^\s:,/]+:\d{1,5}$/u, 'must be host:port')).min(1),
    clientId: name.default(DEFAULTS.clientId),
    ssl: z.union([z.boolean(), z.custom<ConnectionOptions>(isObject)]).optional(),
    sasl: z
      .strictObject({
        mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
        username: z.string().min(1),
        password: z.string(),
      })
      .optional(),
    connectionTimeoutMs: timeout.default(DEFAULTS.connectionTimeoutMs),
    requestTimeoutMs: timeout.default(DEFAULTS.requestTimeoutMs),
  })
  .readonly();

/** `kafka`, with every default filled in. */
export type KafkaOptions = z.output<typeof kafka>;

const delivery = {
  kafka: kafka.optional(),
  transport: having<Transport>('connect', 'send', 'close').optional(),
  topic: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/u, 'must be a Kafka topic name: letters, digits, . _ -')
    .default(DEFAULTS.topic),
  compression: z.enum(COMPRESSIONS).default(DEFAULTS.compression),
  flushIntervalMs: duration.default(DEFAULTS.flushIntervalMs),
  batch: z
    .strictObject({ maxEvents: z.int().min(1).max(100_000).default(DEFAULTS.maxBatchEvents) })
    .default({ maxEvents: DEFAULTS.maxBatchEvents }),
  buffer: z
    .strictObject({
      maxEvents: z.int().min(1).default(DEFAULTS.maxBufferedEvents),
      maxBytes: z.int().min(1).default(DEFAULTS.maxBufferedBytes),
    })
    .default({ maxEvents: DEFAULTS.maxBufferedEvents, maxBytes: DEFAULTS.maxBufferedBytes }),
  logger: having<Logger>('info', 'warn', 'error').transform(harmless).optional(),
};

const spool = z.strictObject({
  directory: name,
  maxBytes: z.int().min(1_048_576).default(DEFAULTS.maxSpoolBytes),
  fsync: z.enum(FSYNC_POLICIES).default(DEFAULTS.spoolFsync),
});

/** `spool`, with every default filled in. */
export type CheckedSpool = z.output<typeof spool>;

const ledgerSchema = z
  .strictObject({
    ...delivery,
    service: name,
    catalog: z.union([
      having<Catalog>('resolve', 'explain'),
      z.array(z.custom<Catalog | Category>(isObject, 'must be a category or a catalog')).min(1),
    ]),
    ...policyOptions,
    tenant: name.default(DEFAULTS.tenant),
    redaction: redactionSchema.optional(),
    actor: z.strictObject({ type: name, id: name, name: z.string().optional() }).optional(),
    onError: called<(error: LedgerlineError) => void>().optional(),
    clock: called<Clock>().optional(),
    async: z.boolean().default(true),
    spool: spool.optional(),
    closeOn: z.array(z.enum(CLOSING_OCCASIONS)).default([]),
    closeAfter: called<() => unknown>().optional(),
    reportIntervalMs: z.union([timeout, z.literal(false)]).optional(),
  })
  .refine(({ closeOn, closeAfter }) => closeAfter === undefined || closeOn.length > 0, {
    path: ['closeAfter'],
    message: 'comes before a close by itself; say when, with closeOn',
  });

const deliverySchema = z.strictObject(delivery);

export type CheckedDelivery = z.output<typeof deliverySchema>;
export type CheckedLedger = z.output<typeof ledgerSchema>;

export const checkLedgerOptions = (options: unknown): CheckedLedger =>
  checked('createLedger', ledgerSchema, options);

export const checkDeliveryOptions = (options: unknown): CheckedDelivery =>
  checked('openPublisher', deliverySchema, options);

/** Every fault at once, by path and rule; no values, some of which are secrets. */
function checked<T extends CheckedDelivery>(
  caller: string,
  schema: z.ZodType<T>,
  options: unknown,
): T {
  const result = schema.safeParse(options);
  const faults = result.success
    ? []
    : result.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`);
  const { kafka: where, transport } = (isObject(options) ? options : {}) as DeliveryOptions;
  if (where === undefined && transport === undefined) {
    faults.push('kafka: say where Kafka is, as { brokers: ["127.0.0.1:9092"] }');
  }
  for (const said of saidBesidePolicy(isObject(options) ? options : {})) {
    faults.push(`${said}: policy says what is kept: say it there`);
  }
  if (result.success && faults.length === 0) return result.data;
  throw new LedgerlineError('CONFIG_INVALID', `${caller}: ${faults.join('; ')}.`, {
    hint: 'Correct these options; docs/producer.md lists them all.',
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
