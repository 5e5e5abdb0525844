/** The way back into the topic: one idempotent producer, one send at a time. */
import type { Message, Producer } from 'kafkajs';
import { beforeDeadline } from '../deadline.ts';
import { MAY_REPEAT_HEADER } from '../envelope.ts';
import { connectKafka, type KafkaOptions } from '../kafka.ts';
import { REPLAY_HEADER } from '../repeats.ts';
import { explainKafka } from '../kafka-errors.ts';
import { describeTopic } from '../topic.ts';
import { WorkerError } from '../worker-error.ts';
import { formatMessageId } from './message-id.ts';
import type { WholeMessage } from './store.ts';

export interface Replayed {
  readonly original: WholeMessage;
  readonly eventId: string;
  /** What is sent in place of the original's bytes. */
  readonly message: Buffer;
}

/** Where Kafka put a message, offset -1 where it did not say; `too-large` where it would not take it. */
export type Sent = { readonly partition: number; readonly offset: number } | 'too-large';

const CONTACT_DEADLINE_MS = 5_000;
const SEND_DEADLINE_MS = 60_000;
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export class FrontDoor {
  readonly topic: string;
  readonly #producer: Producer;
  readonly #partitions: number;

  private constructor(topic: string, producer: Producer, partitions: number) {
    this.topic = topic;
    this.#producer = producer;
    this.#partitions = partitions;
  }

  /** @throws WorkerError KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING, within 10 s */
  static async open(kafka: KafkaOptions): Promise<FrontDoor> {
    const { partitions } = await describeTopic(kafka, CONTACT_DEADLINE_MS);
    const producer = connectKafka(kafka, 5).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
    try {
      await beforeDeadline(producer.connect(), CONTACT_DEADLINE_MS);
    } catch (error) {
      throw explainKafka(error, kafka);
    }
    return new FrontDoor(kafka.topic, producer, partitions.length);
  }

  /**
   * Sends messages of one partition and waits until all in-sync replicas have them.
   *
   * Always to the partition where they came from, whatever has become of the topic: two copies of one
   * message then meet at one worker, which stores the first.
   *
   * @throws WorkerError KAFKA_UNREACHABLE: some may have arrived; sending them again doubles nothing
   */
  async send(replayed: readonly Replayed[]): Promise<Sent[]> {
    if (replayed.length === 0) return [];
    const messages = replayed.map((one) => this.#messageOf(one));
    try {
      const [answer] = await beforeDeadline(
        this.#producer.send({ topic: this.topic, acks: -1, messages }),
        SEND_DEADLINE_MS,
      );
      const base = Number(answer?.baseOffset ?? -1);
      return messages.map(({ partition = 0 }, index) => ({
        partition,
        offset: base < 0 ? -1 : base + index,
      }));
    } catch (error) {
      if (!TOO_LARGE.has((error as { type?: string }).type ?? '')) {
        throw new WorkerError(
          'KAFKA_UNREACHABLE',
          `Kafka did not acknowledge what was sent to ${this.topic}: ${(error as Error).message}`,
          {
            hint: 'Run the same command again: what did arrive is not stored twice.',
            cause: error,
          },
        );
      }
      if (replayed.length === 1) return ['too-large'];
      const sent: Sent[] = [];
      for (const one of replayed) sent.push(...(await this.send([one])));
      return sent;
    }
  }

  async close(): Promise<void> {
    await beforeDeadline(this.#producer.disconnect(), CONTACT_DEADLINE_MS).catch(() => undefined);
  }

  #messageOf({ original, eventId, message }: Replayed): Message {
    return {
      partition: original.partition % this.#partitions,
      key: original.key === '' ? null : original.key,
      value: message,
      headers: {
        'll-v': '1',
        ...original.headers,
        'll-id': eventId,
        [MAY_REPEAT_HEADER]: '1',
        [REPLAY_HEADER]: formatMessageId(original, true),
      },
    };
  }
}
