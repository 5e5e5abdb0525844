import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError, type ConfigurationFault } from '../schemas/configuration-error.ts';
import { KAFKA_SECURITY_VARIABLES, kafkaSecurity } from '../schemas/kafka-security.ts';
import { LEVELS, type PolicyDocument } from '../schemas/policy-document.ts';
import { COMPRESSIONS } from './compression.ts';
import type { DeliveryOptions, KafkaConnection } from './options.ts';
import type { PolicyOptions } from './policy/policy-options.ts';

/** What the environment can say of a ledger; spread it into `createLedger`'s options. */
export interface EnvironmentOptions
  extends
    PolicyOptions,
    Pick<DeliveryOptions, 'topic' | 'compression' | 'flushIntervalMs' | 'batch'> {
  readonly kafka: KafkaConnection;
  readonly async?: boolean | undefined;
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
const number = (error: string) =>
  z
    .string()
    .regex(/^\d+(?:\.\d+)?$/u, error)
    .transform(Number);

/** The variables of the edge, one line each. Empty means not set. */
const VARIABLES = {
  AUDIT_TRAIL_ENABLED: flag,
  AUDIT_TRAIL_POLICY_FILE: z.string(),
  AUDIT_TRAIL_LEVEL: z.enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` }),
  AUDIT_TRAIL_EXCLUDE_ACTIONS: list,
  AUDIT_TRAIL_EXCLUDE_RESOURCES: list,
  AUDIT_TRAIL_SAMPLE_RATE: number('must be a number from 0 to 1').refine(
    (rate) => rate === 0 || (rate >= 0.000_001 && rate <= 1),
    'must be 0, or from 0.000001 to 1',
  ),
  AUDIT_TRAIL_SAMPLE_READS: flag,
  AUDIT_TRAIL_ASYNC: flag,
  AUDIT_TRAIL_BUFFER_ENABLED: flag,
  AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL: number('must be a number of seconds').refine(
    (seconds) => seconds <= 3_600,
    'must be at most 3600 seconds',
  ),
  AUDIT_TRAIL_BUFFER_MAX_SIZE: number('must be a number of events').refine(
    (events) => Number.isInteger(events) && events >= 1 && events <= 100_000,
    'must be a whole number of events from 1 to 100000',
  ),
  LEDGERLINE_KAFKA_BROKERS: list.refine((brokers) => brokers.length > 0, 'must name a broker'),
  LEDGERLINE_KAFKA_TOPIC: z.string(),
  LEDGERLINE_KAFKA_COMPRESSION: z.enum(COMPRESSIONS, {
    error: `must be one of ${COMPRESSIONS.join(', ')}`,
  }),
} as const;
type Variable = keyof typeof VARIABLES;

/** Read by other parts of Ledgerline, which may share this process's environment. */
const READ_ELSEWHERE = new Set<string>([
  ...KAFKA_SECURITY_VARIABLES,
  'AUDIT_TRAIL_RETENTION_DAYS',
  'AUDIT_TRAIL_CLEANUP_ENABLED',
  'AUDIT_TRAIL_CLEANUP_BATCH_SIZE',
  'LEDGERLINE_KAFKA_GROUP',
]);

/** What a policy file says in their place. */
const SAID_BY_FILE = [
  'AUDIT_TRAIL_LEVEL',
  'AUDIT_TRAIL_EXCLUDE_ACTIONS',
  'AUDIT_TRAIL_EXCLUDE_RESOURCES',
  'AUDIT_TRAIL_SAMPLE_RATE',
  'AUDIT_TRAIL_SAMPLE_READS',
] as const;

/** Prefixes under which an unknown name is a misspelt one. */
const OURS = ['AUDIT_TRAIL_', 'LEDGERLINE_KAFKA_'];

/**
 * Reads `AUDIT_TRAIL_*` and `LEDGERLINE_KAFKA_*`, and the files of certificates and passwords that
 * these name. Throws `CONFIG_INVALID` with every fault at
 * once: unknown names, values that cannot be, and what a policy file and a variable both say. What
 * no variable says is not among the options, so that the defaults may stand before the spread.
 *
 * @example
 * const options = { service: 'shop', catalog, compression: 'lz4' } as const;
 * const ledger = createLedger({ ...options, ...optionsFromEnv(process.env) });
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): EnvironmentOptions {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  const faults: ConfigurationFault[] = Object.keys(env)
    .filter((name) => OURS.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !Object.hasOwn(VARIABLES, name) && !READ_ELSEWHERE.has(name))
    .map((name) => ({ name, problem: 'is not a known variable' }));
  if (isSet('AUDIT_TRAIL_POLICY_FILE')) {
    for (const name of SAID_BY_FILE.filter(isSet)) {
      faults.push({
        name: 'AUDIT_TRAIL_POLICY_FILE',
        problem: `and ${name} both say what is kept: leave one empty`,
      });
    }
  }

  const read = <V extends Variable>(variable: V): z.output<(typeof VARIABLES)[V]> | undefined => {
    if (!isSet(variable)) return undefined;
    const result = (VARIABLES[variable] as z.ZodType).safeParse(env[variable]);
    if (result.success) return result.data as z.output<(typeof VARIABLES)[V]>;
    faults.push(
      ...result.error.issues.map(({ message }) => ({ name: variable, problem: message })),
    );
    return undefined;
  };

  const buffered = read('AUDIT_TRAIL_BUFFER_ENABLED') ?? true;
  const seconds = read('AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL');
  const maxEvents = read('AUDIT_TRAIL_BUFFER_MAX_SIZE');
  const kafka = kafkaSecurity(env, (path) => readFileSync(path, 'utf8'));
  faults.push(...kafka.faults);
  const options: EnvironmentOptions = {
    enabled: read('AUDIT_TRAIL_ENABLED'),
    policy: read('AUDIT_TRAIL_POLICY_FILE'),
    level: read('AUDIT_TRAIL_LEVEL'),
    excludeActions: read('AUDIT_TRAIL_EXCLUDE_ACTIONS'),
    excludeResources: read('AUDIT_TRAIL_EXCLUDE_RESOURCES'),
    sampling: samplingOf(read('AUDIT_TRAIL_SAMPLE_RATE'), read('AUDIT_TRAIL_SAMPLE_READS')),
    async: read('AUDIT_TRAIL_ASYNC'),
    flushIntervalMs: buffered ? seconds && Math.round(seconds * 1000) : 0,
    batch: maxEvents === undefined ? undefined : { maxEvents },
    kafka: {
      brokers: read('LEDGERLINE_KAFKA_BROKERS') ?? ['127.0.0.1:9092'],
      ...kafka.security,
    },
    topic: read('LEDGERLINE_KAFKA_TOPIC'),
    compression: read('LEDGERLINE_KAFKA_COMPRESSION'),
  };
  if (faults.length === 0) return withoutUnsaid(options);
  throw ConfigurationError.inOneLine(faults);
}

function samplingOf(
  rate: number | undefined,
  reads: boolean | undefined,
): PolicyDocument['sampling'] {
  if (rate === undefined && reads === undefined) return undefined;
  return { rate, of: (reads ?? true) ? 'reads' : 'all' };
}

/** A member that is there and undefined would put out what stands before it in a spread. */
const withoutUnsaid = ({ kafka, ...options }: EnvironmentOptions): EnvironmentOptions => {
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(said), kafka };
};
