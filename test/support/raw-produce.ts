/** Sends a record batch as it is, so that it is the broker that judges it and no client. */
import { askRaw } from '../../consumers/fence.ts';
import { WireReader } from '../../consumers/kafka-wire.ts';
import { outsider } from '../../consumers/outsider.ts';

const PRODUCE = { apiKey: 0, apiVersion: 7 } as const;

export interface RawProducer {
  /** Answers the batch's first offset. Throws with the broker's error code where it refuses. */
  produce(partition: number, batch: Buffer): Promise<number>;
  close(): Promise<void>;
}

export async function openRawProducer(
  brokers: readonly string[],
  topic: string,
): Promise<RawProducer> {
  const { fence, connect, close } = outsider(
    {
      brokers,
      topic,
      group: 'raw',
      clientId: 'raw',
      connectionTimeoutMs: 3_000,
      requestTimeoutMs: 60_000,
    },
    3,
  );
  await connect();
  await fence.cluster.addMultipleTargetTopics([topic]);
  return {
    async produce(partition, batch) {
      const [nodeId = ''] = Object.keys(fence.cluster.findLeaderForPartitions(topic, [partition]));
      const { errorCode, baseOffset } = await askRaw(await fence.cluster.findBroker({ nodeId }), {
        name: 'Produce',
        ...PRODUCE,
        body: requestOf(topic, partition, batch),
        decode: answerOf,
      });
      if (errorCode !== 0) throw new Error(`the broker answers ${errorCode}`);
      return baseOffset;
    },
    close,
  };
}

/** https://kafka.apache.org/protocol#The_Messages_Produce */
function requestOf(topic: string, partition: number, batch: Buffer): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(2 + 2 + 4 + 4 + 2 + name.length + 4 + 4 + 4);
  let at = head.writeInt16BE(-1, 0); // no transaction
  at = head.writeInt16BE(-1, at); // acks: all
  at = head.writeInt32BE(30_000, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt16BE(name.length, at);
  at += name.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(partition, at);
  head.writeInt32BE(batch.length, at);
  return Buffer.concat([head, batch]);
}

function answerOf(answer: Buffer): { readonly errorCode: number; readonly baseOffset: number } {
  const from = new WireReader(answer);
  from.skip(4);
  from.take(from.int16());
  from.skip(4 + 4);
  return { errorCode: from.int16(), baseOffset: from.int64() };
}
