/** The questions about the topic that `verify` and the start-up checks ask, and how it is made. */
import type { Admin } from 'kafkajs';
import { pause } from './backoff.ts';
import { beforeDeadline } from './deadline.ts';
import { fetchTopicId } from './fence.ts';
import { ConfigResourceTypes, connectKafka, type KafkaOptions } from './kafka.ts';
import { explainKafka } from './kafka-errors.ts';
import { outsider } from './outsider.ts';
import { WorkerError } from './worker-error.ts';

/** What a broker answers that has just started, until its offsets topic is there and read. */
const COORDINATOR_STARTS = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);

async function insistently<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const { type } = error as { type?: string };
      if (type === undefined || !COORDINATOR_STARTS.has(type)) throw error;
      await pause(200, AbortSignal.timeout(1_000));
    }
  }
}

export interface PartitionBounds {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
  readonly committed: number | undefined;
}

export interface TopicFacts {
  readonly topicId: string;
  readonly compacted: boolean;
  readonly partitions: readonly PartitionBounds[];
}

/**
 * Reads what the broker holds of the topic and what the group has committed.
 *
 * @param askGroup false: `committed` stays undefined, and no coordinator has to be there
 * @throws WorkerError KAFKA_UNREACHABLE within the deadline, KAFKA_TOPIC_MISSING
 */
export async function describeTopic(
  options: KafkaOptions,
  deadlineMs: number,
  askGroup = true,
): Promise<TopicFacts> {
  const { topic, group } = options;
  // Few retries: whoever asks hears soon that nothing listens there.
  const { fence, connect, close } = outsider(options, 3);
  const admin = connectKafka(options, 3).admin();
  const read = async (): Promise<TopicFacts> => {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) throw topicMissing(options);
    await connect();
    await fence.cluster.addMultipleTargetTopics([topic]);
    const controller = await fence.cluster.findControllerBroker();
    const { topicId } = await fetchTopicId(controller, topic);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['cleanup.policy'] },
      ],
    });
    const policy = resources[0]?.configEntries.find(
      (entry) => entry.configName === 'cleanup.policy',
    );
    const bounds = await admin.fetchTopicOffsets(topic);
    const [fetched] = askGroup ? await admin.fetchOffsets({ groupId: group, topics: [topic] }) : [];
    return {
      topicId,
      compacted: policy?.configValue.includes('compact') ?? false,
      partitions: bounds
        .map(({ partition, low, high }) => {
          const offset = Number(
            fetched?.partitions.find((one) => one.partition === partition)?.offset ?? -1,
          );
          return {
            partition,
            low: Number(low),
            high: Number(high),
            committed: offset < 0 ? undefined : offset,
          };
        })
        .sort((a, b) => a.partition - b.partition),
    };
  };
  try {
    return await beforeDeadline(insistently(read), deadlineMs);
  } catch (error) {
    throw explainKafka(error, options);
  } finally {
    void admin.disconnect().catch(() => undefined);
    void close();
  }
}

/** To a user who may not describe it, Kafka shows no topic either. */
export function topicMissing({ brokers, topic, ssl, sasl }: KafkaOptions): WorkerError {
  const known = ssl === undefined && sasl === undefined ? '' : ', or does not show it to this user';
  return new WorkerError(
    'KAFKA_TOPIC_MISSING',
    `Kafka at ${brokers.join(', ')} has no topic ${topic}${known}.`,
    {
      hint: `Create it with \`ledgerline stack\` locally, or with kafka-topics.sh, with cleanup.policy=delete${known && '; or grant this user to describe it'}.`,
    },
  );
}

export interface NewTopic {
  readonly partitions: number;
  /** Default 1: a single broker. */
  readonly replicationFactor?: number;
}

const CREATE_TOPIC_DEADLINE_MS = 15_000;

/**
 * Makes the ledger's topic where it is missing; one that is there stays as it is. Its events are
 * deleted by age, never compacted, which would keep only the newest of each target.
 *
 * @returns whether it was made
 * @throws WorkerError KAFKA_UNREACHABLE
 * @example
 * await createTopic({ brokers: ['127.0.0.1:9092'], topic: 'audit.events' }, { partitions: 4 });
 */
export async function createTopic(
  where: Pick<KafkaOptions, 'brokers' | 'topic' | 'ssl' | 'sasl'>,
  { partitions, replicationFactor = 1 }: NewTopic,
): Promise<boolean> {
  const { brokers, topic } = where;
  const admin = connectKafka({
    ...where,
    group: '',
    clientId: 'ledgerline-topic',
    connectionTimeoutMs: 3_000,
    requestTimeoutMs: 10_000,
  }).admin();
  const over = new AbortController();
  const make = async (): Promise<boolean> => {
    await admin.connect();
    const made = await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: [{ name: 'cleanup.policy', value: 'delete' }],
        },
      ],
      // kafkajs waits for leaders with one question, which a broker answers too early to know.
      waitForLeaders: false,
    });
    while (!over.signal.aborted && !(await hasLeaders(admin, topic))) {
      await pause(100, over.signal);
    }
    return made;
  };
  try {
    return await beforeDeadline(make(), CREATE_TOPIC_DEADLINE_MS);
  } catch (error) {
    throw new WorkerError(
      'KAFKA_UNREACHABLE',
      `Kafka at ${brokers.join(', ')} did not make the topic ${topic}: ${(error as Error).message}`,
      {
        hint: 'Check that it runs, and create the topic by hand if it may not be made so.',
        cause: error,
      },
    );
  } finally {
    over.abort();
    void admin.disconnect().catch(() => undefined);
  }
}

/** Whether every partition of the topic can be written to; a topic just made takes a moment. */
async function hasLeaders(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
  } catch (error) {
    const { type } = error as { type?: string };
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'LEADER_NOT_AVAILABLE') return false;
    throw error;
  }
}
