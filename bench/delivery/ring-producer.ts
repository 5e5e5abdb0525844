import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { encodeRow, messageKey } from '../../schemas/index.ts';
import { EventStream } from '../events.ts';

const TURN_MS = 20;
const EVENTS = 20_000;
const PER_SEND = 2_000;

export interface RingProducer {
  /** At this rate for so long; Kafka's timestamp is the moment in which a message leaves. */
  pace(perSecond: number, forMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Realistic events, encoded before the first is sent and sent round and round: making them would take
 * from the two cores what the worker is measured with.
 */
export async function ringProducer(
  brokers: readonly string[],
  topic: string,
): Promise<RingProducer> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const stream = new EventStream(EVENTS, Date.now());
  const ring = Array.from({ length: EVENTS }, () => {
    const { event } = stream.next();
    const headers = { 'll-v': '1', 'll-id': event.id };
    return { key: messageKey(event), value: Buffer.from(encodeRow(event)), headers };
  });
  let next = 0;
  const send = async (events: number): Promise<void> => {
    const messages = Array.from({ length: events }, () => {
      const message = ring[next++ % EVENTS];
      if (!message) throw new RangeError('the ring is empty');
      return { ...message, timestamp: String(Date.now()) };
    });
    await producer.send({ topic, acks: 1, messages });
  };
  return {
    async pace(perSecond, forMs) {
      const began = performance.now();
      let sent = 0;
      for (;;) {
        const elapsed = performance.now() - began;
        if (elapsed >= forMs) return;
        const due = Math.min(PER_SEND, Math.floor((elapsed / 1_000) * perSecond) - sent);
        if (due > 0) await send(due);
        sent += Math.max(0, due);
        await delay(TURN_MS);
      }
    },
    close: () => producer.disconnect(),
  };
}
