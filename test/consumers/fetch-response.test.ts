/** Our reading of Fetch responses against kafkajs's own, over record batches that kafkajs has written. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConsumedMessage } from '../../consumers/backlog.ts';
import { decodeFetch } from '../../consumers/fetch-response.ts';

interface Encoder {
  readonly buffer: Buffer;
}
interface Decoded {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly messages: readonly (ConsumedMessage & { readonly isControlRecord: boolean })[];
    }[];
  }[];
}

const inside = createRequire(import.meta.url);
const recordBatch = inside('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (options: object) => Promise<Encoder>;
};
const record = inside('kafkajs/src/protocol/recordBatch/record/v0') as (options: object) => Encoder;
const long = inside('kafkajs/src/utils/long') as { fromValue(value: number): object };
const theirs = inside('kafkajs/src/protocol/requests/fetch/v11/response') as {
  decode(raw: Buffer): Promise<Decoded>;
};

interface Sent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampDelta: number;
  readonly headers: Record<string, Buffer | Buffer[]>;
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const sent = fc.record<Sent>({
  key: fc.option(bytes, { nil: null }),
  value: fc.option(bytes, { nil: null }),
  timestampDelta: fc.integer({ min: 0, max: 2 ** 40 }),
  headers: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 10 }).filter((name) => !(name in {})),
    fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 })),
    { maxKeys: 3 },
  ),
});

async function batchOf(
  messages: readonly Sent[],
  firstOffset: number,
  options: object = {},
): Promise<Buffer> {
  const firstTimestamp = 1_795_000_000_000;
  const { buffer } = await recordBatch.RecordBatch({
    firstOffset: long.fromValue(firstOffset),
    firstTimestamp,
    maxTimestamp: firstTimestamp + 5,
    lastOffsetDelta: messages.length - 1,
    records: messages.map((message, offsetDelta) => record({ ...message, offsetDelta })),
    ...options,
  });
  return buffer;
}

/** What our decoder makes of it, from the first offset that it holds. */
const ours = async (raw: Buffer): Promise<Decoded | undefined> => decodeFetch(raw, () => 0, 0);

function response(records: Buffer, aborted = 0): Buffer {
  const topic = Buffer.from('audit.events');
  const head = Buffer.alloc(
    4 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 2 + 24 + 4 + aborted * 16 + 4 + 4,
  );
  let at = head.writeInt32BE(0, 0);
  at = head.writeInt16BE(0, at);
  at = head.writeInt32BE(7, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt16BE(topic.length, at);
  at += topic.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(3, at);
  at = head.writeInt16BE(0, at);
  for (const offset of [2n ** 50n, 2n ** 50n, 0n]) at = head.writeBigInt64BE(offset, at);
  at = head.writeInt32BE(aborted, at) + aborted * 16;
  at = head.writeInt32BE(-1, at);
  head.writeInt32BE(records.length, at);
  return Buffer.concat([head, records]);
}

const essence = (decoded: Decoded | undefined) =>
  decoded?.responses.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((partition) => ({
      ...partition,
      messages: partition.messages.map(({ offset, timestamp, key, value, headers, ...rest }) => ({
        offset,
        timestamp,
        isControlRecord: rest.isControlRecord,
        key: key?.toString('hex'),
        value: value?.toString('hex'),
        headers: Object.entries(headers ?? {}),
      })),
    })),
  }));

const attributes = fc.constantFrom(
  {},
  { compression: 1 },
  { transactional: true, producerId: 77 },
  { transactional: true, producerId: 77, compression: 1 },
);

describe('a Fetch response', () => {
  it('is read as kafkajs reads it, whatever the messages hold and wherever it is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(sent, { minLength: 1, maxLength: 5 }), attributes), {
          maxLength: 3,
        }),
        fc.nat(2 ** 45),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (batches, firstOffset, cut) => {
          let offset = firstOffset;
          const encoded: Buffer[] = [];
          for (const [messages, options] of batches) {
            encoded.push(await batchOf(messages, offset, options));
            offset += messages.length;
          }
          const whole = Buffer.concat(encoded);
          // Kafka cuts at its size limit; below a batch's header kafkajs has nothing to decide by.
          const records = whole.subarray(
            0,
            Math.max(Math.min(whole.length, 61), Math.floor(whole.length * cut)),
          );
          const raw = response(records);
          expect(essence(await ours(raw))).toEqual(essence(await theirs.decode(raw)));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a topic that stamps messages itself has the broker’s time', async () => {
    const one: Sent = { key: null, value: Buffer.from('{}'), timestampDelta: 3, headers: {} };
    const batch = await batchOf([one], 5);
    batch.writeInt16BE(0x8, 21);
    const [message] = (await ours(response(batch)))?.responses[0]?.partitions[0]?.messages ?? [];
    expect(message).toMatchObject({ offset: '5', timestamp: '1795000000005' });
  });
});

describe('what is not plain', () => {
  const one: Sent = { key: null, value: Buffer.from('{}'), timestampDelta: 0, headers: {} };

  it.each([
    ['a control record', 0x20],
    ['a control record of a transaction', 0x30],
  ])('%s is read as kafkajs reads it', async (_, attribute) => {
    const batch = await batchOf([{ ...one, key: Buffer.alloc(4) }], 5);
    batch.writeInt16BE(attribute, 21);
    const raw = response(batch, 1);
    expect(essence(await ours(raw))).toEqual(essence(await theirs.decode(raw)));
  });

  it('batches of an older format are left to kafkajs', async () => {
    const batch = await batchOf([one], 5);
    batch.writeInt8(1, 16);
    expect(await ours(response(batch))).toBeUndefined();
  });
});
