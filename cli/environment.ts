import { z } from 'zod';
import { MAX_RETENTION_DAYS, type RetentionSources } from '../clickhouse/index.ts';
import { type WorkerConfig, workerConfig } from '../consumers/index.ts';
import { type OutboxConfig, outboxFromEnv } from '../outbox/index.ts';
import { type EnvironmentOptions, optionsFromEnv } from '../producers/index.ts';
import { LedgerlineError } from '../schemas/index.ts';

/** Everything the command reads from environment variables; .env.example lists them all. */
export interface Environment {
  readonly worker: WorkerConfig;
  readonly edge: EnvironmentOptions;
  readonly retention: RetentionSources;
  readonly outbox: OutboxConfig;
}

const retention = z.object({
  AUDIT_TRAIL_RETENTION_DAYS: z.coerce
    .number({ error: 'must be a number of days' })
    .int('must be a whole number of days')
    .min(1, 'must be at least 1')
    .max(MAX_RETENTION_DAYS, `must be at most ${MAX_RETENTION_DAYS}`)
    .optional(),
  LEDGERLINE_RETENTION_FILE: z.string().optional(),
});

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks all of it, also what the command at hand does not need: a misspelt variable is
 * better found now than by the worker tonight. Empty means not set.
 *
 * @throws AggregateError of LedgerlineErrors CONFIG_INVALID, which together name every fault
 */
export function readEnvironment(env: Variables): Environment {
  const errors: unknown[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      errors.push(error);
      return undefined;
    }
  };
  const worker = attempt(() => workerConfig(env));
  // The worker's options have judged the variables that both sides read.
  const edge = attempt(() => optionsFromEnv(only(env, 'AUDIT_TRAIL_')));
  const kept = attempt(() => readRetention(env));
  const outbox = attempt(() => outboxFromEnv(env));
  if (!worker || !edge || !kept || !outbox) {
    throw new AggregateError(errors, 'the configuration is faulty');
  }
  return { worker, edge, retention: kept, outbox };
}

const only = (env: Variables, prefix: string): Variables =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(prefix)));

function readRetention(env: Variables): RetentionSources {
  const given = Object.entries(env).filter(([name, value]) => name in retention.shape && value);
  const parsed = retention.safeParse(Object.fromEntries(given));
  if (parsed.success) {
    return {
      standardDays: parsed.data.AUDIT_TRAIL_RETENTION_DAYS,
      file: parsed.data.LEDGERLINE_RETENTION_FILE,
    };
  }
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new LedgerlineError('CONFIG_INVALID', `The environment: ${faults.join('; ')}.`, {
    hint: 'Every option with its default is in .env.example.',
  });
}
