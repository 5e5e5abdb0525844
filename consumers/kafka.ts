/**
 * The only place of the consuming side that imports kafkajs: a member of the worker group whose commits
 * are fenced, and the few questions about a topic that `verify` and the start-up checks ask.
 */
import kafkajs, { type Admin, type Consumer, type Kafka } from 'kafkajs';
import type { ConsumedMessage } from './backlog.ts';
import { pause } from './backoff.ts';
import { type Assignment, Fence, type Session, fetchTopicId } from './fence.ts';
import { MAX_METADATA_BYTES } from './intent.ts';
import { WorkerError } from './worker-error.ts';

// A CommonJS package, not all of whose names Node can see as exports.
const { AssignerProtocol, ConfigResourceTypes, KafkaJSNonRetriableError, PartitionAssigners } =
  kafkajs;

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly clientId: string;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface GroupOptions extends KafkaOptions {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  readonly maxBytes: number;
}

/** A partition as it stands when it is assigned: read behind the fence. */
export interface AssignedPartition {
  readonly partition: number;
  /** Committed offset; `undefined` when nothing was ever committed. */
  readonly committed: number | undefined;
  readonly metadata: string | null;
  /** First offset that Kafka still holds. */
  readonly low: number;
  /** The offset that the next message will get. */
  readonly high: number;
}

export interface MemberListener {
  beforeJoin(): Promise<void>;
  /** Answers from which offset each partition is to be read. */
  assigned(
    session: Session,
    topicId: string,
    partitions: readonly AssignedPartition[],
  ): Promise<ReadonlyMap<number, number>>;
  /** Messages of one fetch. Answers the offset expected instead when these are not next. */
  messages(
    partition: number,
    fetchedOffset: number,
    lastOffset: number,
    messages: readonly ConsumedMessage[],
  ): number | undefined;
  /** A fetch that held only control or aborted records, which kafkajs does not hand over. */
  skipped(partition: number, lastOffset: number): void;
  /** kafkajs has given up; `restarts` says whether it tries again by itself. */
  crashed(error: Error, restarts: boolean): void;
}

export type CommitResult = 'committed' | 'fenced' | { readonly retry: Error };

/** Answers of the coordinator that mean: this session no longer owns anything. */
const FENCED = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
]);

function connect(options: KafkaOptions, retries = 8): Kafka {
  return new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    // Its lines repeat what the worker logs, and may quote messages.
    logLevel: kafkajs.logLevel.NOTHING,
    // Named in full, because kafkajs swaps its defaults under NODE_ENV=test.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, multiplier: 2, factor: 0.2, retries },
  });
}

export class GroupMember {
  readonly #options: GroupOptions;
  readonly #listener: MemberListener;
  readonly #fence: Fence;
  readonly #consumer: Consumer;
  /** Where to read from, between the assignment and the event that lets us seek. */
  #startFrom: ReadonlyMap<number, number> = new Map();

  constructor(options: GroupOptions, listener: MemberListener) {
    this.#options = options;
    this.#listener = listener;
    this.#fence = new Fence({
      topic: options.topic,
      roundRobin: PartitionAssigners.roundRobin,
      decodeAssignment: (bytes) =>
        AssignerProtocol.MemberAssignment.decode(bytes)?.assignment ?? {},
      refusal: (message) => new KafkaJSNonRetriableError(message),
      listener: {
        beforeJoin: () => listener.beforeJoin(),
        assigned: (assignment) => this.#assigned(assignment),
      },
    });
    this.#consumer = connect(options).consumer({
      groupId: options.group,
      partitionAssigners: [this.#fence.assigner],
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      maxWaitTimeInMs: options.maxWaitMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
      maxBytes: options.maxBytes,
      minBytes: 1,
      allowAutoTopicCreation: false,
    });
  }

  /** Joins the group and starts reading. */
  async start(): Promise<void> {
    const { topic } = this.#options;
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, () => {
      for (const [partition, offset] of this.#startFrom) this.seek(partition, offset);
      const partitions = [...this.#startFrom.keys()];
      if (partitions.length > 0) this.#consumer.resume([{ topic, partitions }]);
    });
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0)
        this.#listener.skipped(payload.partition, Number(payload.lastOffset));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      this.#listener.crashed(payload.error, payload.restart);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => {
        const { batch } = payload;
        const lastOffset = Number(batch.lastOffset());
        const expected = this.#listener.messages(
          batch.partition,
          // In kafkajs's objects, not in its types: where the fetch began.
          Number((batch as typeof batch & { fetchedOffset: string }).fetchedOffset),
          lastOffset,
          batch.messages,
        );
        if (expected === undefined) payload.resolveOffset(batch.lastOffset());
        else this.seek(batch.partition, expected);
        return Promise.resolve();
      },
    });
  }

  /** Leaves the group. What is in flight must have been drained before. */
  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }

  seek(partition: number, offset: number): void {
    this.#consumer.seek({ topic: this.#options.topic, partition, offset: String(offset) });
  }

  pause(partition: number): void {
    this.#consumer.pause([{ topic: this.#options.topic, partitions: [partition] }]);
  }

  resume(partition: number): void {
    this.#consumer.resume([{ topic: this.#options.topic, partitions: [partition] }]);
  }

  /**
   * One attempt to commit an offset with its metadata, in the session it belongs to.
   *
   * @throws WorkerError KAFKA_TOPIC_UNFIT when the broker never takes metadata of that size
   */
  async commit(
    session: Session,
    partition: number,
    offset: number,
    metadata: string,
    check: () => void,
  ): Promise<CommitResult> {
    try {
      await this.#fence.commit(
        {
          groupId: this.#options.group,
          groupGenerationId: session.generationId,
          memberId: session.memberId,
          topics: [
            {
              topic: this.#options.topic,
              partitions: [{ partition, offset: String(offset), metadata }],
            },
          ],
        },
        check,
      );
      return 'committed';
    } catch (error) {
      const { type } = error as { type?: string };
      if (type !== undefined && FENCED.has(type)) return 'fenced';
      if (type === 'OFFSET_METADATA_TOO_LARGE') {
        throw new WorkerError(
          'KAFKA_TOPIC_UNFIT',
          'Kafka takes too little metadata with an offset.',
          {
            hint: `Set the broker's offset.metadata.max.bytes to ${MAX_METADATA_BYTES} at least, its default.`,
            cause: error,
          },
        );
      }
      return { retry: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  async #assigned(assignment: Assignment): Promise<void> {
    const { topic, group } = this.#options;
    const { topicId, errorCode } = await fetchTopicId(assignment.coordinator, topic);
    if (errorCode !== 0) throw new Error(`Kafka answers ${errorCode} for the topic ${topic}`);
    const partitions = assignment.partitions.map((partition) => ({ partition }));
    let assigned: AssignedPartition[] = [];
    if (partitions.length > 0) {
      const { responses } = await assignment.coordinator.offsetFetch({
        groupId: group,
        topics: [{ topic, partitions: partitions as { partition: number; offset: string }[] }],
      });
      const { cluster } = this.#fence;
      const [lows] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: true }]);
      const [highs] = await cluster.fetchTopicsOffset([
        { topic, partitions, fromBeginning: false },
      ]);
      const offsetIn = (of: typeof lows, partition: number): number =>
        Number(of?.partitions.find((one) => one.partition === partition)?.offset);
      assigned = (responses[0]?.partitions ?? []).map((answer) => {
        const {
          partition,
          offset,
          metadata,
          errorCode: code,
        } = answer as typeof answer & { metadata: string | null; errorCode: number };
        if (code !== 0)
          throw new Error(
            `Kafka answers ${code} for the committed offset of partition ${partition}`,
          );
        const committed = Number(offset);
        return {
          partition,
          committed: committed < 0 ? undefined : committed,
          metadata,
          low: offsetIn(lows, partition),
          high: offsetIn(highs, partition),
        };
      });
    }
    this.#startFrom = await this.#listener.assigned(assignment, topicId, assigned);
  }
}

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
 * @throws WorkerError KAFKA_UNREACHABLE within the deadline, KAFKA_TOPIC_MISSING
 */
export async function describeTopic(
  options: KafkaOptions,
  deadlineMs: number,
): Promise<TopicFacts> {
  const { topic, group } = options;
  const address = options.brokers.join(', ');
  // Few: whoever asks hears soon that nothing listens there.
  const kafka = connect(options, 3);
  const fence = new Fence({
    topic,
    roundRobin: PartitionAssigners.roundRobin,
    decodeAssignment: () => ({}),
    refusal: (message) => new KafkaJSNonRetriableError(message),
    listener: { beforeJoin: () => Promise.resolve(), assigned: () => Promise.resolve() },
  });
  // A consumer that never joins: kafkajs hands its connections out nowhere else.
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [fence.assigner],
    allowAutoTopicCreation: false,
  });
  const admin = kafka.admin();
  const read = async (): Promise<TopicFacts> => {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) {
      throw new WorkerError('KAFKA_TOPIC_MISSING', `Kafka at ${address} has no topic ${topic}.`, {
        hint: 'Create it with `ledgerline stack` locally, or with the settings of docs/operations.md.',
      });
    }
    await consumer.connect();
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
    const [fetched] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
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
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([insistently(read), deadline]);
  } catch (error) {
    if (error instanceof WorkerError) throw error;
    throw new WorkerError(
      'KAFKA_UNREACHABLE',
      `Kafka does not answer at ${address}: ${(error as Error).message}`,
      {
        hint: 'Start it, or set LEDGERLINE_KAFKA_BROKERS to where it listens.',
        retryable: true,
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
    void admin.disconnect().catch(() => undefined);
    void consumer.disconnect().catch(() => undefined);
  }
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
  where: Pick<KafkaOptions, 'brokers' | 'topic'>,
  { partitions, replicationFactor = 1 }: NewTopic,
): Promise<boolean> {
  const { brokers, topic } = where;
  const admin = connect({
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
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      over.abort();
      reject(new Error(`no answer within ${CREATE_TOPIC_DEADLINE_MS} ms`));
    }, CREATE_TOPIC_DEADLINE_MS);
  });
  try {
    return await Promise.race([make(), deadline]);
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
    clearTimeout(timer);
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
