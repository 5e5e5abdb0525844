/**
 * R-DLV-02, R-DLV-03: a record batch that grows beyond measure, or is not what it says, costs bounded memory
 * and work, whatever it is compressed with, and each of its offsets still comes, once.
 */
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allowance, RESPONSE_BYTES } from '../../consumers/allowance.ts';
import { readBatch } from '../../consumers/batch-messages.ts';
import type { FetchedMessage } from '../../consumers/fetched-message.ts';
import { crc32c } from '../../consumers/crc32c.ts';
import { batchAt, type RecordBatch } from '../../consumers/record-batch.ts';
import { gzipBomb, lz4Bomb, zstdBomb } from '../support/bombs.ts';
import {
  CODEC,
  recordBatch,
  recordBytes,
  recordsWith,
  varint,
  type WrittenRecord,
  zstdRuns,
} from '../support/record-batch.ts';

const inside = createRequire(import.meta.url);
const snappy = inside('snappy') as { compressSync(bytes: Buffer): Buffer };
const lz4 = inside('lz4-napi') as { compressFrameSync(bytes: Buffer): Buffer };

const FETCHED = { where: 'audit.events, partition 0', end: 2 ** 40 };
const CORRUPT = 'KAFKA_BATCH_CORRUPT';
const MIB = 1024 * 1024;

/** As Java frames it: blocks of 32 KiB behind a header. */
function xerial(bytes: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from('82534e41505059000000000100000001', 'hex')];
  for (let at = 0; at < bytes.length; at += 32_768) {
    const block = snappy.compressSync(bytes.subarray(at, at + 32_768));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

/** Each run of one byte is a block: every kind of boundary. */
function zstd(bytes: Buffer): Buffer {
  const runs: [byte: number, times: number][] = [];
  for (const byte of bytes) {
    const run = runs.at(-1);
    if (run?.[0] === byte && run[1] < 128 * 1024) run[1]++;
    else runs.push([byte, 1]);
  }
  return zstdRuns(runs);
}

const CODECS: readonly { name: string; codec: number; pack: (bytes: Buffer) => Buffer }[] = [
  { name: 'nothing', codec: CODEC.none, pack: (bytes) => bytes },
  { name: 'gzip', codec: CODEC.gzip, pack: (bytes) => gzipSync(bytes) },
  { name: 'snappy, as Java frames it', codec: CODEC.snappy, pack: xerial },
  {
    name: 'snappy, in one block',
    codec: CODEC.snappy,
    pack: (bytes) => snappy.compressSync(bytes),
  },
  { name: 'lz4', codec: CODEC.lz4, pack: (bytes) => lz4.compressFrameSync(bytes) },
  { name: 'zstd', codec: CODEC.zstd, pack: zstd },
];

function parsed(bytes: Buffer): RecordBatch {
  const found = batchAt(bytes, 0);
  if (typeof found === 'string') throw new Error(`the batch is ${found}`);
  return found.batch;
}

/** All that a reader is given who comes again, from where it was left off, until the batch is read. */
async function readThrough(
  bytes: Buffer,
): Promise<{ messages: FetchedMessage[]; fetches: number }> {
  const batch = parsed(bytes);
  const messages: FetchedMessage[] = [];
  for (let next = batch.first, fetches = 1; ; fetches++) {
    const read = await readBatch(batch, next, new Allowance(), FETCHED);
    messages.push(...read.messages);
    if (read.whole) return { messages, fetches };
    const last = read.messages.at(-1);
    if (!last) throw new Error('a fetch gave out nothing');
    next = Number(last.offset) + 1;
  }
}

const offsetsOf = (messages: readonly FetchedMessage[]): number[] =>
  messages.map(({ offset }) => Number(offset));
const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

describe('the checksum of a batch', () => {
  it('is CRC-32C', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    // https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });
});

describe.each(CODECS)('compressed with $name', ({ codec, pack }) => {
  const batchOf = (records: Buffer, count: number, more: object = {}): Buffer =>
    recordBatch(pack(records), { attributes: codec, count, baseOffset: 7, ...more });

  it('a batch is read as it was written', async () => {
    const record: fc.Arbitrary<Omit<WrittenRecord, 'offsetDelta'>> = fc.record({
      key: fc.option(
        fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
        { nil: null },
      ),
      value: fc.option(
        fc.uint8Array({ maxLength: 3_000 }).map((array) => Buffer.from(array)),
        { nil: null },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), async (written) => {
        const records = written.map((one, offsetDelta) => recordBytes({ ...one, offsetDelta }));
        const { messages } = await readThrough(batchOf(Buffer.concat(records), written.length));
        expect(messages.map(({ key, value }) => ({ key, value }))).toEqual(
          written.map(({ key, value }) => ({ key, value })),
        );
        expect(offsetsOf(messages)).toEqual(range(7, written.length));
      }),
      { numRuns: 20 },
    );
  });

  it('records that are missing, too many, cut, or more than are counted: each offset comes without a body', async () => {
    const records = recordsWith(['{"a":1}', '{"a":2}', '{"a":3}']);
    const hostile = [
      batchOf(records, 4),
      batchOf(records, 2),
      batchOf(records.subarray(0, -3), 3),
      batchOf(Buffer.concat([records, Buffer.from([0x80])]), 3),
      batchOf(Buffer.alloc(0), 3),
      batchOf(Buffer.alloc(100, 0x80), 3),
      batchOf(records, 2_000_000_000, { lastOffsetDelta: 2 }),
      batchOf(records, -1, { lastOffsetDelta: 2 }),
    ];
    for (const bytes of hostile) {
      const { messages } = await readThrough(bytes);
      const { first, last } = parsed(bytes);
      expect(offsetsOf(messages)).toEqual(range(first, last - first + 1));
      for (const { value, unread } of messages) {
        expect(value).toBeNull();
        expect(unread).toMatch(/^batch_/);
      }
    }
  });

  it('offsets that do not go up, or leave the batch, are no way out of it', async () => {
    for (const deltas of [
      [0, 50],
      [0, 0],
      [1, 0],
      [-1, 1],
    ]) {
      const records = deltas.map((offsetDelta) =>
        recordBytes({ offsetDelta, value: Buffer.from('{}') }),
      );
      const { messages } = await readThrough(batchOf(Buffer.concat(records), deltas.length));
      expect(offsetsOf(messages)).toEqual([7, 8]);
      expect(messages.map(({ unread }) => unread)).toEqual([
        'batch_unreadable',
        'batch_unreadable',
      ]);
    }
  });

  it('one byte that Kafka did not take stops the worker, in the place of guessing', async () => {
    const bytes = batchOf(recordsWith(['{"a":1}', '{"a":2}']), 2);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 62),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const damaged = Buffer.from(bytes);
          damaged[61 + at] = (damaged[61 + at] ?? 0) ^ by;
          const verdict = await readBatch(parsed(damaged), 0, new Allowance(), FETCHED).then(
            () => 'read',
            (error: { code: string }) => error.code,
          );
          // A plain batch is checked where it cannot be read.
          expect(codec === CODEC.none ? ['read', CORRUPT] : [CORRUPT]).toContain(verdict);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('bytes that its compression did not write are each offset without a body, or what they were', async () => {
    const packed = pack(recordsWith(['{"a":1}', '{"a":2}']));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(packed.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        async (at, byte, cut) => {
          const hostile = Buffer.from(cut ? packed.subarray(0, at) : packed);
          if (!cut) hostile[at] = byte;
          const bytes = recordBatch(hostile, { attributes: codec, count: 2 });
          expect(offsetsOf((await readThrough(bytes)).messages)).toEqual([0, 1]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a message that is too large is passed over alone: its neighbours are read', async () => {
    const values = ['{"a":1}', Buffer.alloc(RESPONSE_BYTES + 1, 0x20), '{"b":2}', '{"c":3}'];
    const { messages } = await readThrough(batchOf(recordsWith(values), values.length));
    expect(offsetsOf(messages)).toEqual(range(7, values.length));
    // Uncompressed it is in memory already, and whoever stores it knows how large a message may be.
    const large = codec === CODEC.none ? RESPONSE_BYTES + 1 : undefined;
    expect(messages.map(({ value }) => value?.length)).toEqual([7, large, 7, 7]);
    const unread = codec === CODEC.none ? undefined : 'message_too_large';
    expect(messages.map((message) => message.unread)).toEqual([
      undefined,
      unread,
      undefined,
      undefined,
    ]);
  });

  it('a message of more headers than anybody can want is passed over alone', async () => {
    const headers = Array.from({ length: 10_001 }, () => ['n', Buffer.alloc(0)] as const);
    const records = Buffer.concat([
      recordBytes({ offsetDelta: 0, value: Buffer.from('{}'), headers }),
      recordBytes({ offsetDelta: 1, value: Buffer.from('{}') }),
    ]);
    const { messages } = await readThrough(batchOf(records, 2));
    expect(messages.map(({ unread }) => unread)).toEqual(['message_too_large', undefined]);
  });

  it('what is too much for one response is read from where it ended, and nothing twice', async () => {
    const values = range(0, 40).map((nth) => Buffer.alloc(MIB / 2, nth));
    const { messages, fetches } = await readThrough(batchOf(recordsWith(values), values.length));
    expect(messages.map(({ unread }) => unread)).toEqual(values.map(() => undefined));
    expect(messages.map(({ value }) => value?.[0])).toEqual(values.map((value) => value[0]));
    expect(offsetsOf(messages)).toEqual(range(7, values.length));
    expect(fetches).toBe(3);
  });
});

describe('a batch that grows beyond measure', () => {
  const bombs: readonly { name: string; bomb: () => Buffer | Promise<Buffer> }[] = [
    { name: 'gzip', bomb: () => gzipBomb(64) },
    { name: 'lz4', bomb: () => lz4Bomb(64) },
    { name: 'zstd', bomb: () => zstdBomb(4_000) },
    {
      name: 'zstd that claims its size',
      bomb: () => {
        const frame = Buffer.from('28b52ffda0ffffff7f010000', 'hex');
        return recordBatch(frame, { attributes: CODEC.zstd, count: 1 });
      },
    },
    {
      name: 'zstd that wants to look back over 2 GiB',
      bomb: () => {
        const frame = zstd(recordsWith(['{}']));
        frame[5] = 20 << 3;
        return recordBatch(frame, { attributes: CODEC.zstd, count: 1 });
      },
    },
    {
      name: 'snappy that claims 4 GiB',
      bomb: () =>
        recordBatch(Buffer.from('ffffffff0f00', 'hex'), { attributes: CODEC.snappy, count: 1 }),
    },
    {
      name: 'ten million records',
      bomb: () =>
        recordBatch(gzipSync(Buffer.alloc(9)), { attributes: CODEC.gzip, count: 10_000_000 }),
    },
  ];

  it.each(bombs)('$name: is let be, in little memory', async ({ bomb }) => {
    const bytes = await bomb();
    const before = process.memoryUsage.rss();
    const { messages, whole } = await readBatch(parsed(bytes), 0, new Allowance(), FETCHED);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MIB);
    expect(messages[0]).toMatchObject({ offset: '0', value: null, unread: 'batch_too_large' });
    expect(messages.length).toBeLessThanOrEqual(RESPONSE_BYTES / 128);
    expect(whole).toBe(messages.length === parsed(bytes).count);
  });

  it('a record of millions of headers is passed over, in little memory', async () => {
    const headers = 3_500_000;
    const body = Buffer.concat([
      Buffer.from([0, 0, 0, 1, 1]),
      varint(headers),
      Buffer.alloc(2 * headers),
    ]);
    const record = Buffer.concat([varint(body.length), body]);
    const bytes = recordBatch(gzipSync(record), { attributes: CODEC.gzip, count: 1 });
    const before = process.memoryUsage.rss();
    const { messages } = await readBatch(parsed(bytes), 0, new Allowance(), FETCHED);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MIB);
    expect(messages).toMatchObject([{ offset: '0', value: null, unread: 'message_too_large' }]);
  });

  it('control: kafkajs unpacks all of it', async () => {
    const bytes = await gzipBomb(64);
    const theirs = inside('kafkajs/src/protocol/message/compression/gzip') as {
      decompress(packed: Buffer): Promise<Buffer>;
    };
    expect((await theirs.decompress(bytes.subarray(61))).length).toBeGreaterThan(64 * MIB);
  });
});

describe('a batch that nobody can read', () => {
  it('is not believed where it takes up offsets that the partition does not have', async () => {
    const bytes = recordBatch(Buffer.from('rubbish'), { count: 2_000_000_000 });
    const read = readBatch(parsed(bytes), 0, new Allowance(), { ...FETCHED, end: 5 });
    await expect(read).rejects.toMatchObject({ code: 'KAFKA_BATCH_CORRUPT' });
  });

  it('is waited for where a later Kafka compressed it', async () => {
    const bytes = recordBatch(Buffer.from('rubbish'), { attributes: 5, count: 1 });
    const read = readBatch(parsed(bytes), 0, new Allowance(), FETCHED);
    await expect(read).rejects.toMatchObject({ code: 'KAFKA_BATCH_UNKNOWN' });
  });
});
