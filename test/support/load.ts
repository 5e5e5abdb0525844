/** A producer under way: sends at a pace, writes down what it sent, and outlives whatever the broker does. */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Sent } from './sent.ts';
import { wireRow } from './wire-row.ts';

export interface Load {
  /** Messages whose offsets the broker has told. */
  readonly acknowledged: number;
  /** Ends it, and resolves once the last answer is there, or will never come. Safe to call twice. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly perSecond: number;
  readonly sent: Sent;
  /** One message of so many is no row. Default: none. */
  readonly poisonEvery?: number;
}

const TURN_MS = 100;

export function startLoad(options: LoadOptions): Load {
  const { topic, partitions, sent } = options;
  const producer = new kafkajs.Kafka({
    brokers: [...options.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    requestTimeout: 5_000,
    // Bounded: what fails is left, its offsets unknown, and the next portion is tried.
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
  }).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const perTurn = Math.max(1, Math.round((options.perSecond * TURN_MS) / 1000));
  let running = true;
  let acknowledged = 0;
  let turn = 0;
  let made = 0;

  async function send(): Promise<void> {
    const partition = turn++ % partitions;
    const values = Array.from({ length: perTurn }, () =>
      ++made % (options.poisonEvery ?? Number.POSITIVE_INFINITY) === 0
        ? `poison ${made}`
        : wireRow(),
    );
    const digests = sent.attempt(values);
    const [answer] = await producer.send({
      topic,
      acks: -1,
      messages: values.map((value) => ({ value, partition })),
    });
    if (answer?.baseOffset === undefined) return;
    digests.forEach((digest, index) =>
      sent.acknowledge(partition, Number(answer.baseOffset) + index, digest),
    );
    acknowledged += values.length;
  }

  const ended = (async () => {
    while (running) {
      const began = performance.now();
      try {
        await producer.connect();
        await send();
      } catch {
        // The broker is away, or did not answer: what was sent then is only known as attempted.
      }
      await delay(Math.max(1, TURN_MS - (performance.now() - began)));
    }
    await producer.disconnect();
  })();
  return {
    get acknowledged() {
      return acknowledged;
    },
    async stop() {
      running = false;
      await ended;
    },
  };
}
