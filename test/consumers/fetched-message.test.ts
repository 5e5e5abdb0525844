/** A message's key and headers, copied as bytes, against the objects that are made of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelopeSize, hasHeader, writeEnvelope } from '../../consumers/envelope.ts';
import { type FetchedMessage, RecordMessage } from '../../consumers/fetched-message.ts';
import { batchAt } from '../../consumers/record-batch.ts';
import { RecordReader } from '../../consumers/record-reader.ts';
import { recordBatch, recordBytes, varint } from '../support/record-batch.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const name = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('ll-id', 'll-v', '7', '10', '__proto__', 'toString', 'n'.repeat(70)),
);
const written = fc.record({
  offsetDelta: fc.constant(0),
  key: fc.option(bytes, { nil: null }),
  value: fc.option(bytes, { nil: null }),
  // kafkajs writes them from an object, which cannot hold a name twice with another between.
  headers: fc.array(fc.tuple(name, bytes), { maxLength: 10 }),
});

function read(record: Buffer): RecordMessage {
  const found = batchAt(recordBatch(record, { count: 1 }), 0);
  if (typeof found === 'string') throw new Error(found);
  let message: FetchedMessage | undefined;
  const limits = { maxRecordBytes: 1e6, maxBatchBytes: 1e6 };
  const reader = new RecordReader(found.batch, limits, (one) => (message = one));
  reader.push(record);
  reader.finish();
  if (!(message instanceof RecordMessage)) throw new Error('it was not read');
  return message;
}

describe('the key and headers of a fetched message (R-DLV-01)', () => {
  it('are packed to the byte as their objects are, so that a batch is recognised either way', () => {
    fc.assert(
      fc.property(written, (record) => {
        const message = read(recordBytes(record));
        const asObjects = Buffer.alloc(envelopeSize(message.key, message.headers));
        const packed = Buffer.alloc(message.envelopeSize + 3);
        const end = message.writeEnvelope(packed, 3);
        expect(end).toBeLessThanOrEqual(packed.length);
        expect(packed.subarray(3, end)).toEqual(
          asObjects.subarray(0, writeEnvelope(asObjects, 0, message.key, message.headers)),
        );
        expect(hasHeader(packed, 3, end, 'll-id')).toBe(
          record.headers.some(([one]) => one === 'll-id'),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('are each those of their own message, whichever was asked before', () => {
    const [one, two] = ['one', 'two'].map((text) =>
      read(
        recordBytes({
          offsetDelta: 0,
          key: Buffer.from(text),
          value: null,
          headers: [['ll-id', Buffer.from(text)]],
        }),
      ),
    ) as [RecordMessage, RecordMessage];
    expect([two.key, one.headers['ll-id'], one.key, two.headers['ll-id']].map(String)).toEqual([
      'two',
      'one',
      'one',
      'two',
    ]);
  });
});

describe('a record with a number of more than 64 bits (R-DLV-02)', () => {
  it.each([
    ['as its time', (number: Buffer) => [number, varint(0)]],
    ['as its offset', (number: Buffer) => [varint(0), number]],
  ])('is unreadable: %s', (_, place) => {
    // Long enough to be neither a number nor infinite.
    const number = Buffer.concat([Buffer.alloc(200, 0x80), Buffer.from([0])]);
    const none = varint(-1);
    const body = Buffer.concat([Buffer.from([0]), ...place(number), none, none, varint(0)]);
    const record = Buffer.concat([varint(body.length), body]);
    expect(() => read(record)).toThrow('a number has more than 64 bits');
  });
});
