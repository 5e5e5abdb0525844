import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { encodeRow, messageKey } from '../../schemas/index.ts';
import { EventStream } from '../events.ts';

const TURN_MS = 50;
const PER_SEND = 2_000;
const DAY_OF_EVENTS = 10_000_000;

export interface PacedProducer {
  /** As fast as Kafka takes them. */
  send(events: number): Promise<void>;
  /** At this rate for so long. */
  pace(perSecond: number, forMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Realistic events, keyed and headed as the SDK does, with Kafka's timestamp of the moment. */
export async function pacedProducer(
  brokers: readonly string[],
  topic: string,
): Promise<PacedProducer> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const stream = new EventStream(DAY_OF_EVENTS, Date.now());
  const send = async (events: number): Promise<void> => {
    for (let sent = 0; sent < events; sent += PER_SEND) {
      const messages = Array.from({ length: Math.min(PER_SEND, events - sent) }, () => {
        const { event } = stream.next();
        const headers = { 'll-v': '1', 'll-id': event.id };
        return { key: messageKey(event), value: Buffer.from(encodeRow(event)), headers };
      });
      await producer.send({ topic, acks: 1, messages });
    }
  };
  return {
    send,
    async pace(perSecond, forMs) {
      const began = performance.now();
      let sent = 0;
      while (performance.now() - began < forMs) {
        const due = Math.floor(((performance.now() - began) / 1_000) * perSecond);
        if (due > sent) await send(due - sent);
        sent = Math.max(sent, due);
        await delay(TURN_MS);
      }
    },
    close: () => producer.disconnect(),
  };
}

const COORDINATOR_MS = 60_000;

/** Waits for the group's coordinator, which a new broker takes seconds to have: longer than a worker waits. */
export async function coordinatorReady(brokers: readonly string[], group: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const deadline = performance.now() + COORDINATOR_MS;
    for (;;) {
      try {
        await admin.fetchOffsets({ groupId: group });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(TURN_MS);
      }
    }
  } finally {
    await admin.disconnect();
  }
}
