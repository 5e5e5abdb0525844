import { z } from 'zod';
import { ConfigurationError } from '../schemas/configuration-error.ts';
import { LedgerlineError } from '../schemas/index.ts';
import { isPostgresUrl } from './postgres-errors.ts';
import { DEFAULT_SCHEMA } from './schema-name.ts';

/** What holds where an option says nothing. */
export const OUTBOX_DEFAULTS = {
  schema: DEFAULT_SCHEMA,
  batchRows: 500,
  pollMs: 1_000,
  drainTimeoutMs: 10_000,
} as const;

/** What a batch may hold in memory: beside the rows' number, since rows may have 256 KiB. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

const environment = z.object({
  LEDGERLINE_OUTBOX_URL: z
    .string()
    // No value: it holds the password.
    .refine(isPostgresUrl, 'must be postgres://user:password@host:5432/database')
    .optional(),
  LEDGERLINE_OUTBOX_SCHEMA: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'must be a schema name: letters, digits, underscore')
    .default(OUTBOX_DEFAULTS.schema),
  LEDGERLINE_OUTBOX_BATCH_ROWS: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(OUTBOX_DEFAULTS.batchRows),
  LEDGERLINE_OUTBOX_POLL_MS: z.coerce
    .number()
    .int()
    .min(50)
    .max(10_000)
    .default(OUTBOX_DEFAULTS.pollMs),
});

const pace = z.object({
  batchRows: z.int().min(1).max(10_000).default(OUTBOX_DEFAULTS.batchRows),
  // Node's timers take what is longer than 25 days for 1 ms; a relay that hardly ever looks is none.
  pollMs: z.number().min(1).max(3_600_000).default(OUTBOX_DEFAULTS.pollMs),
  drainTimeoutMs: z
    .union([z.number().min(0), z.literal(Infinity)], 'must be 0 or more, or Infinity')
    .default(OUTBOX_DEFAULTS.drainTimeoutMs),
});

/** How much and how often a relay works. */
export type RelayPace = z.output<typeof pace>;

/** Throws `CONFIG_INVALID`, which lists every fault by option and rule. */
export function checkPace(options: z.input<typeof pace>): RelayPace {
  const result = pace.safeParse(options);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new LedgerlineError('CONFIG_INVALID', `startRelay: ${faults.join('; ')}.`, {
    hint: 'Correct these options, or leave them out.',
  });
}

export interface OutboxConfig {
  readonly url: string | undefined;
  readonly schema: string;
  readonly batchRows: number;
  readonly pollMs: number;
}

/**
 * Reads the outbox's options from environment variables.
 *
 * @throws ConfigurationError CONFIG_INVALID, which lists every malformed value
 */
export function outboxFromEnv(env: Readonly<Record<string, string | undefined>>): OutboxConfig {
  const given = Object.entries(env).filter(([name, value]) => name in environment.shape && value);
  const parsed = environment.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    throw ConfigurationError.inOneLine(
      parsed.error.issues.map((issue) => ({ name: issue.path.join('.'), problem: issue.message })),
    );
  }
  const { data } = parsed;
  return {
    url: data.LEDGERLINE_OUTBOX_URL,
    schema: data.LEDGERLINE_OUTBOX_SCHEMA,
    batchRows: data.LEDGERLINE_OUTBOX_BATCH_ROWS,
    pollMs: data.LEDGERLINE_OUTBOX_POLL_MS,
  };
}
