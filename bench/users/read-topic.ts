import kafkajs from 'kafkajs';
import { decodeRow } from '../../schemas/index.ts';
import type { Actions } from './service.ts';

const DEADLINE_MS = 120_000;

/** Every event of a topic, each id once, by category and outcome. Reads up to the ends it found. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<Actions> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const left = await endsOf(kafka, topic);
  const stored: Actions = {};
  if (left.size === 0) return stored;

  const ids = new Set<string>();
  const consumer = kafka.consumer({ groupId: `${topic}.read` });
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = (): void => reject(new Error(`${topic} could not be read to its end in time`));
      timer = setTimeout(late, DEADLINE_MS);
      // A broker that has just started is still loading its groups: kafkajs starts over by itself.
      consumer.on('consumer.crash', ({ payload: { restart, error } }) => {
        if (!restart) reject(error);
      });
      const eachMessage = ({ partition, message }: kafkajs.EachMessagePayload): Promise<void> => {
        const { id, category, outcome } = decodeRow(message.value ?? '');
        if (!ids.has(id)) {
          ids.add(id);
          const outcomes = (stored[category] ??= {});
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
        if (Number(message.offset) + 1 >= (left.get(partition) ?? 0)) left.delete(partition);
        if (left.size === 0) resolve();
        return Promise.resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
    return stored;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

/** The end of each partition that has something. */
async function endsOf(kafka: kafkajs.Kafka, topic: string): Promise<Map<number, number>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    const ends = offsets.map(({ partition, high }) => [partition, Number(high)] as const);
    return new Map(ends.filter(([, end]) => end > 0));
  } finally {
    await admin.disconnect();
  }
}
