import kafkajs from 'kafkajs';
import { encodeRow, messageKey } from '../../schemas/index.ts';
import { EventStream } from '../events.ts';
import { progress } from '../stack.ts';

const PER_SEND = 2_000;

export interface FilledTopic {
  readonly topic: string;
  readonly events: number;
  /** Mean size of a message's value. */
  readonly wireBytes: number;
}

/** Makes a topic and fills it with realistic events, keyed and headed as the SDK does. */
export async function fillTopic(
  brokers: readonly string[],
  events: number,
  partitions: number,
): Promise<FilledTopic> {
  const topic = 'bench.events';
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
  });
  await admin.disconnect();

  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const stream = new EventStream(events, Date.now());
  let bytes = 0;
  try {
    for (let sent = 0; sent < events; sent += PER_SEND) {
      const messages = Array.from({ length: Math.min(PER_SEND, events - sent) }, () => {
        const { event, sentAt } = stream.next();
        const value = Buffer.from(encodeRow(event));
        bytes += value.length;
        const headers = { 'll-v': '1', 'll-id': event.id };
        return { key: messageKey(event), value, headers, timestamp: String(sentAt) };
      });
      await producer.send({ topic, acks: 1, messages });
      if (sent % 100_000 === 0) progress(`producing: ${sent} of ${events}`);
    }
  } finally {
    await producer.disconnect();
  }
  return { topic, events, wireBytes: bytes / events };
}
