/** A member of the worker group whose commits are fenced: what it is assigned, reads and commits. */
import type { Consumer } from 'kafkajs';
import type { ConsumedMessage } from './backlog.ts';
import { beforeDeadline } from './deadline.ts';
import { type Assignment, type Fence, type Session, fetchTopicId, isCompacted } from './fence.ts';
import { MAX_METADATA_BYTES } from './intent.ts';
import { JointCommits } from './joint-commits.ts';
import { connectKafka, fenceFor, type KafkaOptions } from './kafka.ts';
import { WorkerError } from './worker-error.ts';

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
  /** Answers from which offset each partition is to be read; may take its time, until `lost` is aborted. */
  assigned(
    session: Session,
    topicId: string,
    partitions: readonly AssignedPartition[],
    lost: AbortSignal,
  ): Promise<ReadonlyMap<number, number>>;
  /**
   * Messages of one fetch; `high` is the offset that the next message will get. Answers the offset
   * expected instead when these are not next.
   */
  messages(
    partition: number,
    fetchedOffset: number,
    lastOffset: number,
    messages: readonly ConsumedMessage[],
    high: number,
  ): number | undefined;
  /** A fetch that held only control or aborted records, which kafkajs does not hand over. */
  skipped(partition: number, lastOffset: number): void;
  /** Kafka did not say how the assigned partitions stand; the member joins again. */
  unanswered(error: Error): void;
  /** kafkajs has given up; `restarts` says whether it tries again by itself. */
  crashed(error: Error, restarts: boolean): void;
}

interface PartitionCommit {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

export type CommitResult = 'committed' | 'fenced' | { readonly retry: Error };

/** Answers of the coordinator that mean: this session no longer owns anything. */
const FENCED = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
]);

/** Of a join, and of a fetch, before kafkajs begins anew; its own default. */
const RETRIES = 5;
/** How long a stop waits for a start under way. */
const STARTING_MS = 2_000;
const COMPACTION_CHECK_MS = 10_000;
/** How soon a new partition is noticed; kafkajs's own default is five minutes. */
const METADATA_MAX_AGE_MS = 15_000;

export class GroupMember {
  readonly #options: GroupOptions;
  readonly #listener: MemberListener;
  readonly #fence: Fence;
  readonly #consumer: Consumer;
  readonly #commits = new JointCommits<Session, PartitionCommit>((session, take) =>
    this.#commitTogether(session, take),
  );
  /** Where to read from, between the assignment and the event that lets us seek. */
  #startFrom: ReadonlyMap<number, number> = new Map();
  /** Of the log that was assigned. */
  #topicId = '';
  #compactionDueMs = 0;
  #starting: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: GroupOptions, listener: MemberListener) {
    this.#options = options;
    this.#listener = listener;
    this.#fence = fenceFor(options.topic, {
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      beforeJoin: () => listener.beforeJoin(),
      assigned: (assignment) => this.#assigned(assignment),
    });
    this.#consumer = connectKafka(options).consumer({
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
      retry: { retries: RETRIES, restartOnFailure: () => Promise.resolve(!this.#stopped) },
      metadataMaxAge: METADATA_MAX_AGE_MS,
    });
  }

  /** Joins the group and starts reading. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { topic } = this.#options;
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, () => {
      this.#fence.joined();
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
          Number(batch.highWatermark),
        );
        if (expected === undefined) payload.resolveOffset(batch.lastOffset());
        else this.seek(batch.partition, expected);
        return Promise.resolve();
      },
    });
  }

  /** Leaves the group. What is in flight must have been drained before. */
  async stop(): Promise<void> {
    // One that kafkajs is told to stop while it starts goes on all the same.
    this.#stopped = true;
    await beforeDeadline(this.#starting, STARTING_MS).catch(() => undefined);
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
   * @param check runs when the request is handed over: where it throws, the commit is not made
   * @throws WorkerError KAFKA_TOPIC_RECREATED, or KAFKA_TOPIC_UNFIT when the topic is compacted by now, or the
   *   broker never takes metadata of that size
   */
  async commit(
    session: Session,
    partition: number,
    offset: number,
    metadata: string,
    check: () => void,
  ): Promise<CommitResult> {
    try {
      await this.#commits.commit(session, { partition, offset: String(offset), metadata }, check);
      return 'committed';
    } catch (error) {
      if (error instanceof WorkerError) throw error;
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

  /**
   * Kafka knows offsets by the topic's name alone, and fetches too, so each commit asks whether the name
   * still means the same log: nothing is inserted before a commit has followed its fetch.
   */
  async #commitTogether(session: Session, take: () => PartitionCommit[]): Promise<void> {
    const { topic, group } = this.#options;
    const committing = this.#fence.commit(group, () => ({
      groupGenerationId: session.generationId,
      memberId: session.memberId,
      topics: [{ topic, partitions: take() }],
    }));
    // On the same connection, at the same time: it costs no waiting.
    const [done, same] = await Promise.allSettled([committing, this.#checkTopic()]);
    if (done.status === 'rejected') throw done.reason;
    if (same.status === 'rejected') throw same.reason;
  }

  async #checkTopic(): Promise<void> {
    const { topic, group } = this.#options;
    const coordinator = await this.#fence.cluster.findGroupCoordinator({ groupId: group });
    const due = performance.now() >= this.#compactionDueMs;
    const [{ topicId, errorCode }, compacted] = await Promise.all([
      fetchTopicId(coordinator, topic),
      due ? isCompacted(coordinator, topic) : false,
    ]);
    if (errorCode !== 0) throw new Error(`Kafka answers ${errorCode} for the topic ${topic}`);
    if (topicId !== this.#topicId) {
      throw new WorkerError(
        'KAFKA_TOPIC_RECREATED',
        `The topic ${topic} was deleted and made again while this worker read it: what the old one held and was not stored is not in the ledger.`,
        {
          hint: 'If that loss is known and accepted, start with LEDGERLINE_ACCEPT_LOSS=recreated: it is recorded in audit_quarantine, and the worker goes on from the first offset there is.',
        },
      );
    }
    if (compacted) {
      throw new WorkerError(
        'KAFKA_TOPIC_UNFIT',
        `The topic ${topic} is compacted by now: Kafka drops all but the newest event of each target.`,
        { hint: 'Set its cleanup.policy to delete, then run `ledgerline verify`.' },
      );
    }
    if (due) this.#compactionDueMs = performance.now() + COMPACTION_CHECK_MS;
  }

  async #assigned(assignment: Assignment): Promise<ReadonlyMap<number, number>> {
    const partitions = await this.#standing(assignment).catch((error: unknown) => {
      this.#listener.unanswered(error instanceof Error ? error : new Error(String(error)));
      throw error;
    });
    const { lost } = assignment;
    this.#startFrom = await this.#listener.assigned(assignment, this.#topicId, partitions, lost);
    return this.#startFrom;
  }

  /** How the assigned partitions stand, by what Kafka knows of them. */
  async #standing(assignment: Assignment): Promise<readonly AssignedPartition[]> {
    const { topic, group } = this.#options;
    const { topicId, errorCode } = await fetchTopicId(assignment.coordinator, topic);
    if (errorCode !== 0) throw new Error(`Kafka answers ${errorCode} for the topic ${topic}`);
    this.#topicId = topicId;
    const partitions = assignment.partitions.map((partition) => ({ partition }));
    if (partitions.length === 0) return [];
    const { responses } = await assignment.coordinator.offsetFetch({
      groupId: group,
      topics: [{ topic, partitions: partitions as { partition: number; offset: string }[] }],
    });
    const { cluster } = this.#fence;
    // Who leads them may have changed, which kafkajs looks up when it starts, and when it fetches.
    await cluster.refreshMetadata();
    const [lows] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: true }]);
    const [highs] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: false }]);
    const offsetIn = (of: typeof lows, partition: number): number => {
      const found = of?.partitions.find((one) => one.partition === partition);
      if (!found)
        throw new Error(`Kafka does not say where partition ${partition} begins and ends`);
      return Number(found.offset);
    };
    return (responses[0]?.partitions ?? []).map((answer) => {
      const {
        partition,
        offset,
        metadata,
        errorCode: code,
      } = answer as typeof answer & { metadata: string | null; errorCode: number };
      if (code !== 0)
        throw new Error(`Kafka answers ${code} for the committed offset of partition ${partition}`);
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
}
