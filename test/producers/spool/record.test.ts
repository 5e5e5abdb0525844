import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRecord, RecordEncoder } from '../../../producers/spool/record.ts';
import type { OutboundMessage } from '../../../producers/index.ts';

const events = fc.record({
  id: fc.uuid(),
  key: fc.string({ unit: 'binary', maxLength: 60 }),
  value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  mayRepeat: fc.boolean(),
});
const categories = fc.stringMatching(/^[a-z_]{1,20}$/);
const entries = fc.array(fc.tuple(events, categories), { minLength: 1, maxLength: 6 });

const encoder = new RecordEncoder();
const written = (all: readonly (readonly [OutboundMessage, string])[]): Buffer =>
  Buffer.concat(all.map(([event, category]) => Buffer.from(encoder.encode(event, category))));

/** Every whole record from the start, and how the rest reads. */
function readAll(bytes: Buffer) {
  const read: [OutboundMessage, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const decoded = decodeRecord(bytes, at);
    if (decoded.status !== 'record') return { read, end: decoded.status };
    read.push([decoded.event, decoded.category]);
    at = decoded.end;
  }
  return { read, end: 'clean' };
}

describe('R-EDGE-08: records of the spool', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(entries, (all) => {
        expect(readAll(written(all))).toEqual({ read: all, end: 'clean' });
      }),
    );
  });

  test('what is read keeps no more memory than it accounts for, least of all the whole file', () => {
    fc.assert(
      fc.property(entries, (all) => {
        for (const [{ value }] of readAll(written(all)).read) {
          expect(value.buffer.byteLength).toBe(value.length);
        }
      }),
    );
  });

  test('also with a key as long as an event, and a category longer than any', () => {
    const event: OutboundMessage = {
      id: 'e',
      key: `default/user/${'界'.repeat(70_000)}`,
      value: Buffer.from('{}'),
      mayRepeat: false,
    };
    const bytes = written([
      [event, 'c'.repeat(300)],
      [event, 'app'],
    ]);
    expect(readAll(bytes)).toEqual({
      read: [
        [event, 'c'.repeat(255)],
        [event, 'app'],
      ],
      end: 'clean',
    });
  });

  test('cut off at any byte, the whole records before it are read, and nothing else', () => {
    fc.assert(
      fc.property(entries, (all) => {
        const bytes = written(all);
        const ends = all.map((_, index) => written(all.slice(0, index + 1)).length);
        for (let cut = 0; cut <= bytes.length; cut += 1) {
          const whole = ends.filter((end) => end <= cut).length;
          const clean = cut === 0 || ends.includes(cut);
          const { read, end } = readAll(bytes.subarray(0, cut));
          expect(read).toEqual(all.slice(0, whole));
          expect(end).toBe(clean ? 'clean' : 'incomplete');
        }
      }),
      { numRuns: 25 },
    );
  });

  test('with any one bit turned over, no record is read that was not written', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(7), (all, anywhere, bit) => {
        const bytes = written(all);
        const at = anywhere % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
        const { read } = readAll(bytes);
        expect(read.length).toBeLessThan(all.length);
        expect(read).toEqual(all.slice(0, read.length));
      }),
    );
  });

  test('a file that a power failure filled up with zeroes ends there', () => {
    const [event, category] = [
      { id: 'x', key: 'k', value: Buffer.from('{}'), mayRepeat: false },
      'app',
    ];
    const bytes = Buffer.concat([written([[event, category]]), Buffer.alloc(500)]);
    expect(readAll(bytes)).toEqual({ read: [[event, category]], end: 'damaged' });
  });
});
