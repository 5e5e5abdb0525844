/**
 * What Kafka holds of a topic, read without a group: ranges of offsets of one partition, in order, a fetch
 * at a time, so that a topic of any size is read in the same memory, and nothing is committed.
 */
import { backoffMs, pause } from '../backoff.ts';
import type { ConsumedMessage } from '../backlog.ts';
import { beforeDeadline } from '../deadline.ts';
import type { KafkaOptions } from '../kafka.ts';
import { type Outsider, outsider } from '../outsider.ts';
import { WorkerError } from '../worker-error.ts';
import { type AbortedTransaction, delivered, type FetchedRecord } from './transactions.ts';

/** A piece of the range that was asked for. */
export interface Piece {
  /** Messages that a consumer is given: no control records, nothing of aborted transactions. */
  readonly messages: readonly ConsumedMessage[];
  /** Everything before this offset has been read. */
  readonly next: number;
  /** Kafka has deleted the piece since, so that it cannot say what was there. */
  readonly gone: boolean;
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly abortedTransactions: readonly AbortedTransaction[] | null;
      readonly messages: readonly FetchedRecord[];
    }[];
  }[];
}

const FETCH_BYTES = 4 * 1024 * 1024;
const READ_COMMITTED = 1;
const ATTEMPTS = 8;
const CONNECT_DEADLINE_MS = 10_000;

export class TopicLog {
  readonly #topic: string;
  readonly #address: string;
  readonly #outsider: Outsider;

  private constructor({ topic, brokers }: KafkaOptions, connections: Outsider) {
    this.#topic = topic;
    this.#address = brokers.join(', ');
    this.#outsider = connections;
  }

  /** @throws WorkerError KAFKA_UNREACHABLE within 10 s */
  static async open(options: KafkaOptions): Promise<TopicLog> {
    const connections = outsider(options, 3);
    const log = new TopicLog(options, connections);
    try {
      await beforeDeadline(
        (async () => {
          await connections.connect();
          await connections.fence.cluster.addMultipleTargetTopics([options.topic]);
        })(),
        CONNECT_DEADLINE_MS,
      );
      return log;
    } catch (error) {
      await log.close();
      throw log.#unreachable(error);
    }
  }

  /** For each partition, the first offset whose message is not older; `undefined` where none is. */
  async firstSince(
    partitions: readonly number[],
    timestampMs: number,
  ): Promise<ReadonlyMap<number, number | undefined>> {
    const [answer] = await this.#outsider.fence.cluster.fetchTopicsOffset([
      {
        topic: this.#topic,
        partitions: partitions.map((partition) => ({ partition })),
        fromTimestamp: timestampMs,
      },
    ]);
    return new Map(
      (answer?.partitions ?? []).map(({ partition, offset }) => [
        partition,
        Number(offset) < 0 ? undefined : Number(offset),
      ]),
    );
  }

  /**
   * Reads the offsets from `from` up to, not including, `to`, all of which must be there already.
   *
   * @throws WorkerError KAFKA_UNREACHABLE, after eight attempts
   */
  async *read(partition: number, from: number, to: number): AsyncGenerator<Piece> {
    let at = from;
    for (let failures = 0; at < to;) {
      try {
        const piece = await this.#fetch(partition, at, to);
        if (piece.next > at) failures = 0;
        else if (++failures === ATTEMPTS) throw new Error(`offset ${at} is not given out`);
        at = piece.next;
        yield piece;
      } catch (error) {
        const { type } = error as { type?: string };
        if (type === 'OFFSET_OUT_OF_RANGE') {
          const next = Math.min(to, Math.max(at + 1, await this.#low(partition)));
          at = next;
          yield { messages: [], next, gone: true };
          continue;
        }
        if (++failures >= ATTEMPTS) throw this.#unreachable(error);
        await pause(backoffMs(failures), AbortSignal.timeout(30_000));
        await this.#outsider.fence.cluster.refreshMetadata().catch(() => undefined);
      }
    }
  }

  close(): Promise<void> {
    return this.#outsider.close();
  }

  async #fetch(partition: number, at: number, to: number): Promise<Piece> {
    const { cluster } = this.#outsider.fence;
    const leaders = cluster.findLeaderForPartitions(this.#topic, [partition]);
    const nodeId = Object.keys(leaders)[0];
    if (nodeId === undefined) throw new Error(`partition ${partition} has no leader`);
    const broker = await cluster.findBroker({ nodeId });
    const answer = (await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [
        {
          topic: this.#topic,
          partitions: [{ partition, fetchOffset: String(at), maxBytes: FETCH_BYTES }],
        },
      ],
    })) as FetchAnswer;
    const fetched = answer.responses[0]?.partitions[0];
    const records = fetched?.messages ?? [];
    const last = records.at(-1);
    return {
      messages: delivered(records, fetched?.abortedTransactions ?? []).filter(({ offset }) => {
        const number = Number(offset);
        return number >= at && number < to;
      }),
      next: last ? Math.min(to, Math.max(at, Number(last.offset) + 1)) : at,
      gone: false,
    };
  }

  async #low(partition: number): Promise<number> {
    const [answer] = await this.#outsider.fence.cluster.fetchTopicsOffset([
      { topic: this.#topic, partitions: [{ partition }], fromBeginning: true },
    ]);
    return Number(answer?.partitions[0]?.offset ?? 0);
  }

  #unreachable(error: unknown): WorkerError {
    if (error instanceof WorkerError) return error;
    return new WorkerError(
      'KAFKA_UNREACHABLE',
      `Kafka at ${this.#address} does not give out ${this.#topic}: ${(error as Error).message}`,
      {
        hint: 'Check that its brokers run, and that this user may read the topic.',
        retryable: true,
        cause: error,
      },
    );
  }
}
