/** Whether a worker could do all its work with this configuration: asked as it asks, without joining the group. */
import { openClickHouse } from '../clickhouse/client.ts';
import { migrationState } from '../clickhouse/migration-state.ts';
import type { WorkerConfig } from './config.ts';
import { checkLedger, checkTopic } from './preflight.ts';
import { checkDeadLetterTopic } from './quarantine/dead-letter-topic.ts';
import { describeTopic } from './topic.ts';

export interface CheckedConnections {
  readonly topicId: string;
  readonly partitions: number;
  /** Names of migrations that are not applied; a worker starts all the same when its columns are there. */
  readonly pendingMigrations: readonly string[];
}

const DEADLINE_MS = 5_000;

/**
 * Reaches Kafka and ClickHouse and looks at topic and tables. Only reads.
 *
 * @throws AggregateError of everything that stands in the way, of WorkerErrors and ClickHouse's
 * @example
 * const { partitions } = await checkConnections(workerConfig(process.env));
 */
export async function checkConnections(config: WorkerConfig): Promise<CheckedConnections> {
  const clickhouse = openClickHouse({
    ...config.clickhouse,
    application: 'ledgerline-check',
    requestTimeoutMs: DEADLINE_MS,
  });
  const options = {
    ...config.kafka,
    clientId: 'ledgerline-check',
    connectionTimeoutMs: 3_000,
    requestTimeoutMs: DEADLINE_MS,
  };
  const kafka = async () => {
    const topic = await describeTopic(options, DEADLINE_MS);
    checkTopic(topic, config.kafka.topic);
    if (config.deadLetterTopic !== undefined) {
      await checkDeadLetterTopic(options, config.deadLetterTopic, DEADLINE_MS);
    }
    return topic;
  };
  const tables = async () => {
    await checkLedger(clickhouse, DEADLINE_MS);
    return migrationState(clickhouse, DEADLINE_MS);
  };
  try {
    const [topic, migrations] = await Promise.allSettled([kafka(), tables()]);
    if (topic.status === 'rejected' || migrations.status === 'rejected') {
      const failed = [topic, migrations].filter((part) => part.status === 'rejected');
      throw new AggregateError(
        failed.map(({ reason }): unknown => reason),
        'a worker could not start',
      );
    }
    const { topicId, partitions } = topic.value;
    return {
      topicId,
      partitions: partitions.length,
      pendingMigrations: migrations.value.pending,
    };
  } finally {
    await clickhouse.close();
  }
}
