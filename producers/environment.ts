import { z } from 'zod';
import { LedgerlineError, LEVELS } from '../schemas/index.ts';
import type { KafkaConnection, PolicyOptions } from './options.ts';

/** What the environment can say of a ledger; spread it into `createLedger`'s options. */
export interface EnvironmentOptions extends PolicyOptions {
  readonly kafka: KafkaConnection;
  readonly topic?: string | undefined;
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');

/** The variables of the edge, one line each. Empty means not set. */
const VARIABLES = {
  AUDIT_TRAIL_ENABLED: flag,
  AUDIT_TRAIL_LEVEL: z.enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` }),
  AUDIT_TRAIL_EXCLUDE_ACTIONS: list,
  AUDIT_TRAIL_EXCLUDE_RESOURCES: list,
  LEDGERLINE_KAFKA_BROKERS: list.refine((brokers) => brokers.length > 0, 'must name a broker'),
  LEDGERLINE_KAFKA_TOPIC: z.string(),
} as const;
type Variable = keyof typeof VARIABLES;

/** Read by other parts of Ledgerline, which may share this process's environment. */
const READ_ELSEWHERE = new Set([
  'AUDIT_TRAIL_RETENTION_DAYS',
  'AUDIT_TRAIL_CLEANUP_ENABLED',
  'AUDIT_TRAIL_CLEANUP_BATCH_SIZE',
  'LEDGERLINE_KAFKA_GROUP',
]);

/** Prefixes under which an unknown name is a misspelt one. */
const OURS = ['AUDIT_TRAIL_', 'LEDGERLINE_KAFKA_'];

/**
 * Reads `AUDIT_TRAIL_*` and `LEDGERLINE_KAFKA_*`. Throws `CONFIG_INVALID` with every fault at
 * once: unknown names, and values that cannot be.
 *
 * @example
 * const ledger = createLedger({ service: 'shop', catalog, ...optionsFromEnv(process.env) });
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): EnvironmentOptions {
  const faults = Object.keys(env)
    .filter((name) => OURS.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !Object.hasOwn(VARIABLES, name) && !READ_ELSEWHERE.has(name))
    .map((name) => `${name} is not a known variable`);

  const read = <V extends Variable>(variable: V): z.output<(typeof VARIABLES)[V]> | undefined => {
    const text = env[variable];
    if (text === undefined || text === '') return undefined;
    const result = (VARIABLES[variable] as z.ZodType).safeParse(text);
    if (result.success) return result.data as z.output<(typeof VARIABLES)[V]>;
    faults.push(...result.error.issues.map((issue) => `${variable} ${issue.message}`));
    return undefined;
  };

  const options: EnvironmentOptions = {
    enabled: read('AUDIT_TRAIL_ENABLED'),
    level: read('AUDIT_TRAIL_LEVEL'),
    excludeActions: read('AUDIT_TRAIL_EXCLUDE_ACTIONS'),
    excludeResources: read('AUDIT_TRAIL_EXCLUDE_RESOURCES'),
    kafka: { brokers: read('LEDGERLINE_KAFKA_BROKERS') ?? ['127.0.0.1:9092'] },
    topic: read('LEDGERLINE_KAFKA_TOPIC'),
  };
  if (faults.length === 0) return options;
  throw new LedgerlineError('CONFIG_INVALID', `The environment: ${faults.join('; ')}.`, {
    hint: 'Correct these variables; docs/producer.md lists them all.',
  });
}
