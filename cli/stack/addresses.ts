import type { Stack } from '../../local/stack.ts';

/** What a running local stack is reached by. */
export interface StackAddresses {
  readonly brokers: string;
  readonly clickhouseUrl: string;
  readonly topic: string;
  readonly database: string;
  readonly workerPid: number;
}

/** The variables by which every command finds this stack. */
export const environmentOf = (
  stack: Stack,
  topic: string,
  database: string,
): Readonly<Record<string, string>> => ({
  LEDGERLINE_KAFKA_BROKERS: stack.kafka.brokers.join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_CLICKHOUSE_URL: stack.engine.url,
  LEDGERLINE_CLICKHOUSE_DATABASE: database,
});
