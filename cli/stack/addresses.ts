import type { Stack } from '../../local/stack.ts';
import { KAFKA_SECURITY_VARIABLES } from '../../schemas/kafka-security.ts';
import type { Variables } from '../environment.ts';

/** What a running local stack is reached by. */
export interface StackAddresses {
  readonly brokers: string;
  readonly clickhouseUrl: string;
  readonly topic: string;
  readonly database: string;
  readonly workerPid: number;
}

/** What is said of other services than the stack's own, which have no users and no encryption. */
const FOREIGN: readonly string[] = [
  ...KAFKA_SECURITY_VARIABLES,
  'LEDGERLINE_CLICKHOUSE_CLUSTER',
  'LEDGERLINE_CLICKHOUSE_USER',
  'LEDGERLINE_CLICKHOUSE_PASSWORD',
  'LEDGERLINE_CLICKHOUSE_PASSWORD_FILE',
  'LEDGERLINE_CLICKHOUSE_TLS_CA_FILE',
  // Where any of these may stand as well.
  'LEDGERLINE_CONFIG_FILE',
];

/** The variables by which every command finds this stack, also where `said` leads somewhere else. */
export const environmentOf = (
  stack: Stack,
  topic: string,
  database: string,
  said: Variables,
): Readonly<Record<string, string>> => ({
  // Empty means not set.
  ...Object.fromEntries(FOREIGN.filter((name) => said[name]).map((name) => [name, ''])),
  LEDGERLINE_KAFKA_BROKERS: stack.kafka.brokers.join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_CLICKHOUSE_URL: stack.engine.url,
  LEDGERLINE_CLICKHOUSE_DATABASE: database,
});
