/**
 * Copies of quarantined messages for a topic of their own, where there is one: for those who watch or
 * repair them with tools of Kafka. The copy is a courtesy: audit_quarantine is what counts, so a copy
 * that cannot be made in a short time is counted and logged, and delivery goes on.
 */
import type { IHeaders, Message, Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { rawEnvelopeOf, type Row, valueOf } from '../backlog.ts';
import { beforeDeadline } from '../deadline.ts';
import type { RawEnvelope } from '../envelope.ts';
import { connectKafka, type KafkaOptions } from '../kafka.ts';
import type { Rejection } from '../quarantine.ts';
import type { Origin } from '../splice.ts';
import { storedTime } from '../stored-time.ts';

export interface DeadLetter {
  readonly offset: number;
  /** Kafka's timestamp in milliseconds since 1970, as quarantine stores it. */
  readonly timestamp: number;
  /** `null` for a message without a value. */
  readonly value: Buffer | null;
  readonly envelope: RawEnvelope;
  readonly rejection: Rejection;
}

export const deadLetterOf = (row: Row, rejection: Rejection): DeadLetter => ({
  offset: row.offset,
  timestamp: storedTime(row.timestamp),
  value: row.fault === 'tombstone' ? null : valueOf(row),
  envelope: rawEnvelopeOf(row),
  rejection,
});

export interface DeadLetterCounters {
  /** Acknowledged by the dead-letter topic. */
  mirrored: number;
  /** Given up on: in audit_quarantine alone. */
  mirrorFailures: number;
}

/** How long a batch waits for its copies, at most. */
const DEADLINE_MS = 5_000;
/** After a failure, for so long nothing is tried: an outage must not slow every batch down. */
const REST_MS = 30_000;
const REQUEST_BYTES = 512 * 1024;
const REQUEST_MESSAGES = 500;
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export class DeadLetters {
  readonly topic: string;
  readonly #kafka: KafkaOptions;
  readonly #log: Logger;
  readonly #counters: DeadLetterCounters;
  #producer: Promise<Producer> | undefined;
  #restsUntil = 0;

  constructor(kafka: KafkaOptions, topic: string, log: Logger, counters: DeadLetterCounters) {
    this.#kafka = kafka;
    this.topic = topic;
    this.#log = log;
    this.#counters = counters;
  }

  /**
   * Sends copies of what has just been stored in quarantine, before its batch is committed: after a
   * crash in between, the next owner sends them again. Ends within 5 s, and never rejects.
   */
  async mirror(origin: Origin, letters: Iterable<DeadLetter>): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    const failed: number[] = [];
    let error: unknown;
    for (const request of inRequests(origin, letters)) {
      const left = deadline - performance.now();
      if (left <= 0 || performance.now() < this.#restsUntil) {
        failed.push(...request.map(({ offset }) => offset));
        continue;
      }
      try {
        const refused = await beforeDeadline(this.#send(request), left);
        failed.push(...refused);
        this.#counters.mirrored += request.length - refused.length;
      } catch (thrown) {
        error = thrown;
        failed.push(...request.map(({ offset }) => offset));
        this.#restsUntil = performance.now() + REST_MS;
        this.#forget();
      }
    }
    if (failed.length === 0) return;
    this.#counters.mirrorFailures += failed.length;
    this.#log.warn(
      {
        code: 'DEAD_LETTERS_NOT_SENT',
        partition: origin.partition,
        deadLetterTopic: this.topic,
        messages: failed.length,
        firstOffset: failed[0],
        lastOffset: failed.at(-1),
        error: error instanceof Error ? error.message : 'too large, or not tried after a failure',
      },
      'quarantined messages were not copied to the dead-letter topic',
    );
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect();
  }

  /** Answers the offsets of those that the topic refuses as too large. */
  async #send(request: readonly Copy[]): Promise<number[]> {
    const producer = await this.#connected();
    try {
      await producer.send({
        topic: this.topic,
        acks: -1,
        timeout: DEADLINE_MS,
        messages: request.map(({ message }) => message),
      });
      return [];
    } catch (error) {
      if (!TOO_LARGE.has((error as { type?: string }).type ?? '')) throw error;
      const [only] = request;
      if (only && request.length === 1) return [only.offset];
      const refused: number[] = [];
      for (const copy of request) refused.push(...(await this.#send([copy])));
      return refused;
    }
  }

  #connected(): Promise<Producer> {
    this.#producer ??= this.#connect();
    return this.#producer;
  }

  async #connect(): Promise<Producer> {
    const producer = connectKafka(this.#kafka, 1).producer({
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 3 },
    });
    await producer.connect();
    return producer;
  }

  #forget(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    void producer?.then((one) => one.disconnect()).catch(() => undefined);
  }
}

interface Copy {
  readonly offset: number;
  readonly message: Message;
}

/** Copied before anything is waited for: the batch's memory may be used for another by then. */
function* inRequests(origin: Origin, letters: Iterable<DeadLetter>): Generator<Copy[]> {
  let request: Copy[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const { offset, value, envelope } = letter;
    const size = value?.length ?? 0;
    const isFull = request.length >= REQUEST_MESSAGES || bytes + size > REQUEST_BYTES;
    if (request.length > 0 && isFull) {
      yield request;
      request = [];
      bytes = 0;
    }
    const message = {
      key: envelope.key.length === 0 ? null : Buffer.from(envelope.key),
      value: value && Buffer.from(value),
      headers: headersOf(origin, letter),
    };
    request.push({ offset, message });
    bytes += size;
  }
  if (request.length > 0) yield request;
}

/** The message's own, copied, and where it was and why it is here; ours win over a header of their name. */
function headersOf(
  origin: Origin,
  { envelope, offset, timestamp, rejection }: DeadLetter,
): IHeaders {
  const headers = new Map<string, Buffer[]>();
  for (const [name, value] of envelope.headers) {
    headers.set(name, [...(headers.get(name) ?? []), Buffer.from(value)]);
  }
  return {
    ...Object.fromEntries(headers),
    'll-quarantine-reason': rejection.reason,
    'll-quarantine-error': rejection.error,
    'll-quarantine-topic': origin.topic,
    'll-quarantine-topic-id': origin.topicId,
    'll-quarantine-partition': String(origin.partition),
    'll-quarantine-offset': String(offset),
    'll-quarantine-timestamp': new Date(timestamp).toISOString(),
  };
}
