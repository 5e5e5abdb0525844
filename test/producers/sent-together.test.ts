import { expect, test, vi } from 'vitest';
import type { ICustomPartitioner, Message } from 'kafkajs';
import { KafkaTransport } from '../../producers/kafka-transport.ts';
import type { OutboundMessage } from '../../producers/index.ts';

/** What the leader of partition 0 got; it answers late. */
const first = vi.hoisted((): unknown[] => []);

/**
 * kafkajs's way with two leaders, one of which has moved: it tries again at once, and sends what the
 * other has not answered yet once more, under new numbers (kafkajs/src/producer/sendMessages.js).
 */
vi.mock('kafkajs', async (load) => {
  const { default: real } = await load<{ default: typeof import('kafkajs') }>();
  const partitionMetadata = [0, 1].map((partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: partitionId,
    replicas: [],
    isr: [],
  }));
  class Kafka {
    admin = () => ({
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      fetchTopicMetadata: () => Promise.resolve({ topics: [{ partitions: partitionMetadata }] }),
    });
    producer = ({ createPartitioner }: { createPartitioner: ICustomPartitioner }) => {
      const place = createPartitioner();
      let leaderHasMoved = true;
      const attempt = (topic: string, messages: readonly Message[]): unknown[] => {
        const placed = messages.map((message) => place({ topic, partitionMetadata, message }));
        first.push(...messages.filter((_, index) => placed[index] === 0).map(({ value }) => value));
        if (leaderHasMoved && placed.includes(1)) {
          leaderHasMoved = false;
          return attempt(topic, messages);
        }
        return [...new Set(placed)].map((partition) => ({ partition, baseOffset: '0' }));
      };
      return {
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(),
        send: async ({ topic, messages }: { topic: string; messages: readonly Message[] }) =>
          Promise.resolve().then(() => attempt(topic, messages)),
      };
    };
  }
  return { default: { ...real, Kafka } };
});

const message = (id: string): OutboundMessage => ({
  id,
  key: id,
  value: Buffer.from(id),
  mayRepeat: false,
});

test('R-REC-05: what is sent together is not sent again by the client, which would not mark it', async () => {
  const transport = new KafkaTransport(
    { brokers: ['127.0.0.1:1'], clientId: 't', connectionTimeoutMs: 100, requestTimeoutMs: 100 },
    'audit.events',
  );
  await transport.connect();
  const outcome = await transport.sendTogether([
    { partition: 0, messages: [message('a')] },
    { partition: 1, messages: [message('b')] },
  ]);
  expect(outcome).toMatchObject({ status: 'failed', scope: 'partition' });
  expect(first.map(String)).toEqual(['a']);

  // One by one it may: the broker recognises the repeat.
  const again = await transport.send(1, [message('b')]);
  expect(again).toEqual({ status: 'stored', baseOffset: 0 });
  await transport.close();
});
