import { z } from 'zod';
import { MAX_RETENTION_DAYS } from '../clickhouse/retention/classes.ts';
import type { RetentionSources } from '../clickhouse/index.ts';
import { type WorkerConfig, workerConfig } from '../consumers/config.ts';
import { type OutboxConfig, outboxFromEnv } from '../outbox/options.ts';
import { type EnvironmentOptions, optionsFromEnv } from '../producers/environment.ts';
import { ConfigurationError, type ConfigurationFault } from '../schemas/configuration-error.ts';
import { type ConfigFile, located, readConfigFile } from './configuration/config-file.ts';

/** Everything the command reads from environment variables; .env.example lists them all. */
export interface Environment {
  readonly worker: WorkerConfig;
  readonly edge: EnvironmentOptions;
  readonly retention: RetentionSources;
  readonly cleanup: CleanupOptions;
  /** Whether looking into the ledger is recorded in it, and how insistently. */
  readonly recordReads: RecordReads;
  readonly outbox: OutboxConfig;
}

/** `required`: nothing is shown that could not be recorded. */
export type RecordReads = 'required' | 'attempt' | 'off';

/** How what has expired is removed. */
export interface CleanupOptions {
  /** Undefined: as the table has it. */
  readonly enabled: boolean | undefined;
  /** Rows that a step of a sweep deletes. */
  readonly batchSize: number;
}

const retention = z.object({
  AUDIT_TRAIL_RETENTION_DAYS: z.coerce
    .number({ error: 'must be a number of days' })
    .int('must be a whole number of days')
    .min(1, 'must be at least 1')
    .max(MAX_RETENTION_DAYS, `must be at most ${MAX_RETENTION_DAYS}`)
    .optional(),
  LEDGERLINE_RETENTION_FILE: z.string().optional(),
  AUDIT_TRAIL_CLEANUP_ENABLED: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform((value) => value === 'true')
    .optional(),
  AUDIT_TRAIL_CLEANUP_BATCH_SIZE: z.coerce
    .number({ error: 'must be a number of rows' })
    .int('must be a whole number of rows')
    .min(1, 'must be at least 1')
    .max(1_000_000_000, 'must be at most 1,000,000,000')
    .default(10_000),
  LEDGERLINE_RECORD_READS: z
    .enum(['required', 'attempt', 'off'], { error: 'must be required, attempt or off' })
    .default('attempt'),
});

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks all of it, also what the command at hand does not need: a misspelt variable is
 * better found now than by the worker tonight. Empty means not set. What LEDGERLINE_CONFIG_FILE says
 * holds where the environment says nothing.
 *
 * @throws ConfigurationError CONFIG_INVALID, which names every fault, and its place in the file
 */
export function readEnvironment(env: Variables): Environment {
  const file = env['LEDGERLINE_CONFIG_FILE'] ? readConfigFile(env['LEDGERLINE_CONFIG_FILE']) : null;
  const said = file ? { ...file.variables, ...withoutEmpty(env) } : env;
  const faults: ConfigurationFault[] = [...(file?.faults ?? [])];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const worker = attempt(() => workerConfig(said));
  // The worker's options have judged the variables that both sides read.
  const edge = attempt(() => optionsFromEnv(edgeOnly(said)));
  const kept = attempt(() => readRetention(said));
  const outbox = attempt(() => outboxFromEnv(said));
  if (faults.length > 0 || !worker || !edge || !kept || !outbox) {
    throw new ConfigurationError(faults.map((fault) => placed(fault, env, file)));
  }
  return {
    worker,
    edge,
    retention: kept.sources,
    cleanup: kept.cleanup,
    recordReads: kept.recordReads,
    outbox,
  };
}

/** What the environment says, and where it says nothing the file that it names. */
export function variablesOf(env: Variables): Variables {
  const path = env['LEDGERLINE_CONFIG_FILE'];
  return path ? { ...readConfigFile(path).variables, ...withoutEmpty(env) } : env;
}

const withoutEmpty = (env: Variables): Variables =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value));

/** Says where in the file an option stands, unless the environment has had the last word. */
function placed(
  fault: ConfigurationFault,
  env: Variables,
  file: ConfigFile | null,
): ConfigurationFault {
  const place = env[fault.name] ? undefined : file?.places.get(fault.name);
  if (!file || !place) return fault;
  return { name: `${located(file.path, place)} ${fault.name}`, problem: fault.problem };
}

const edgeOnly = (env: Variables): Variables =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => name.startsWith('AUDIT_TRAIL_') || name === 'LEDGERLINE_KAFKA_COMPRESSION',
    ),
  );

function readRetention(env: Variables): {
  sources: RetentionSources;
  cleanup: CleanupOptions;
  recordReads: RecordReads;
} {
  const given = Object.entries(env).filter(([name, value]) => name in retention.shape && value);
  const parsed = retention.safeParse(Object.fromEntries(given));
  if (parsed.success) {
    return {
      sources: {
        standardDays: parsed.data.AUDIT_TRAIL_RETENTION_DAYS,
        file: parsed.data.LEDGERLINE_RETENTION_FILE,
      },
      cleanup: {
        enabled: parsed.data.AUDIT_TRAIL_CLEANUP_ENABLED,
        batchSize: parsed.data.AUDIT_TRAIL_CLEANUP_BATCH_SIZE,
      },
      recordReads: parsed.data.LEDGERLINE_RECORD_READS,
    };
  }
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => ({ name: issue.path.join('.'), problem: issue.message })),
  );
}
