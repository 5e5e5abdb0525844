import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Backlog,
  type Batch,
  type ConsumedMessage,
  envelopeOf,
  valueOf,
} from '../../consumers/backlog.ts';
import { CHUNK_BYTES, ChunkPool } from '../../consumers/chunk-pool.ts';
import { batchOf, message, NO_LIMITS } from './messages.ts';

const value = fc.oneof(
  fc.constant(null),
  fc.string({ maxLength: 60 }).map((text) => Buffer.from(text)),
  fc.dictionary(fc.string(), fc.string()).map((one) => Buffer.from(JSON.stringify(one))),
  fc.integer({ min: 1, max: 400_000 }).map((length) => Buffer.alloc(length, 'x')),
);

/** A log: messages at ascending offsets, with gaps where control records stand. */
const log = fc
  .array(fc.tuple(fc.nat(3), value, fc.option(fc.string({ maxLength: 8 }))), { maxLength: 40 })
  .map((entries) => {
    let offset = 99;
    return entries.map(([gap, body, header]) =>
      message((offset += 1 + gap), body, header === null ? {} : { headers: { h: header } }),
    );
  });

/** How the log comes: in fetches of so many messages. */
const fetches = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });

function receive(
  backlog: Backlog,
  messages: readonly ConsumedMessage[],
  sizes: readonly number[],
): void {
  let at = 0;
  for (let turn = 0; at < messages.length; turn++) {
    const part = messages.slice(at, (at += sizes[turn % sizes.length] ?? 1));
    backlog.append(part, Number(part.at(-1)?.offset), 5);
  }
}

const offsetsOf = (batches: readonly Batch[]): number[] =>
  batches.flatMap(({ rows }) => rows.map(({ offset }) => offset));

describe('what waits to be stored (R-DLV-01, R-DLV-03)', () => {
  it('loses nothing and keeps the order, however it is cut, shortened and put back', () => {
    const moves = fc.array(
      fc.record({
        how: fc.constantFrom('cut', 'shorten', 'put back', 'cut through'),
        maxRows: fc.integer({ min: 1, max: 12 }),
        maxBytes: fc.integer({ min: 1, max: 500_000 }),
        count: fc.integer({ min: 1, max: 12 }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(log, fetches, moves, (messages, sizes, steps) => {
        const pool = new ChunkPool(8 * CHUNK_BYTES);
        const backlog = new Backlog(pool, 100, 300_000);
        receive(backlog, messages, sizes);
        const batches: Batch[] = [];
        for (let step = 0; step < steps.length * 20; step++) {
          const { how, maxRows, maxBytes, count } = steps[step % steps.length] ?? { how: 'cut' };
          const end = (batches.at(-1)?.last ?? 99) + (count ?? 1);
          const batch =
            how === 'cut through'
              ? backlog.cutThrough(end)
              : backlog.cut({ maxRows: maxRows ?? 1, maxBytes: maxBytes ?? 1 });
          if (!batch) {
            if (how === 'cut through') continue;
            break;
          }
          if (how === 'put back') {
            backlog.putBack(batch);
            const again = backlog.cut({ maxRows: maxRows ?? 1, maxBytes: maxBytes ?? 1 });
            if (again?.hash !== batch.hash) throw new Error('Cut again, it is another batch');
            batches.push(again);
          } else if (how === 'shorten' && batch.rows.length > 1)
            batches.push(backlog.shorten(batch, count ?? 1));
          else batches.push(batch);
        }
        const rest = backlog.cut(NO_LIMITS);
        if (rest) batches.push(rest);

        expect(offsetsOf(batches)).toEqual(messages.map(({ offset }) => Number(offset)));
        let expected = 100;
        for (const { first, last, rows } of batches) {
          expect(first).toBe(expected);
          expect(rows.every(({ offset }) => offset >= first && offset <= last)).toBe(true);
          expected = last + 1;
        }
        expect(expected).toBe(backlog.next);
        for (const [index, row] of batches.flatMap(({ rows }) => rows).entries()) {
          expect(valueOf(row).equals(messages[index]?.value ?? Buffer.alloc(0))).toBe(true);
          expect(envelopeOf(row).headers).toEqual(messages[index]?.headers ?? {});
        }
        expect(backlog.rows).toBe(0);
        expect(backlog.bytes).toBe(0);
        for (const batch of batches) backlog.release(batch);
        expect(backlog.heldBytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('never cuts more than the limits say, but one message at least', () => {
    fc.assert(
      fc.property(
        log,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 600_000 }),
        (messages, maxRows, maxBytes) => {
          const backlog = new Backlog(new ChunkPool(0), 100, 1 << 20);
          receive(backlog, messages, [40]);
          for (
            let batch = backlog.cut({ maxRows, maxBytes });
            batch;
            batch = backlog.cut({ maxRows, maxBytes })
          ) {
            expect(batch.rows.length).toBeGreaterThan(0);
            expect(batch.rows.length).toBeLessThanOrEqual(maxRows);
            const bytes = batch.rows.reduce((sum, row) => sum + row.end - row.start, 0);
            expect(batch.rows.length === 1 || bytes <= maxBytes).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('waits for the whole range of an intent', () => {
    const backlog = new Backlog(new ChunkPool(0), 10, 1 << 20);
    backlog.append([message(10, '{}'), message(11, '{}')], 11, 5);
    expect(backlog.cutThrough(12)).toBeUndefined();
    backlog.append([], 12, 6);
    expect(backlog.cutThrough(12)).toMatchObject({ first: 10, last: 12 });
    expect(backlog.next).toBe(13);
  });

  it('moves over control records alone, as a range without rows', () => {
    const backlog = new Backlog(new ChunkPool(0), 10, 1 << 20);
    backlog.append([], 14, 7);
    expect(backlog.waitingSince).toBe(7);
    expect(backlog.cut(NO_LIMITS)).toMatchObject({ first: 10, last: 14, rows: [] });
    expect(backlog.waitingSince).toBe(0);
    expect(backlog.cut(NO_LIMITS)).toBeUndefined();
  });

  it.each([
    ['no value', null, 'tombstone'],
    ['an empty value', '', 'tombstone'],
    ['a value one byte too large', `{"a":"${'x'.repeat(1017)}"}`, 'too_large'],
    ['two objects', '{"a":1}{"a":2}', 'not_one_object'],
    ['an object', '{"a":1}', undefined],
    ['the largest value it takes', `{"a":"${'x'.repeat(1016)}"}`, undefined],
  ])('sees at once what is wrong with %s', (_, body, fault) => {
    expect(batchOf([message(0, body)], 1024).rows[0]?.fault).toBe(fault);
  });
});

describe('the fingerprint of a batch', () => {
  it('does not depend on how the messages came', () => {
    fc.assert(
      fc.property(log, fetches, fetches, fc.nat(900_000), (messages, some, others, before) => {
        fc.pre(messages.length > 0);
        const last = Number(messages.at(-1)?.offset);
        const hashes = [some, others].map((sizes, turn) => {
          const backlog = new Backlog(new ChunkPool(CHUNK_BYTES), turn === 0 ? 100 : 99, 300_000);
          // The second one has its chunks cut elsewhere, because something lay in them before.
          if (turn === 1) {
            backlog.append([message(99, Buffer.alloc(before))], 99, 1);
            backlog.cutThrough(99);
          }
          receive(backlog, messages, sizes);
          return backlog.cutThrough(last)?.hash;
        });
        expect(hashes[0]).toMatch(/^[\w-]{16}$/);
        expect(hashes[1]).toBe(hashes[0]);
      }),
      { numRuns: 100 },
    );
  });

  const three = [message(5, '{"a":1}'), message(6, '{"a":2}'), message(7, '{"a":3}')];
  const original = batchOf(three).hash;
  const changed = (index: number, more: Partial<ConsumedMessage>): string =>
    batchOf(three.map((one, at) => (at === index ? { ...one, ...more } : one))).hash;

  it.each([
    ['an offset', () => changed(0, { offset: '4' })],
    ['a timestamp', () => changed(1, { timestamp: '1795000000124' })],
    ['a key', () => changed(1, { key: Buffer.from('other') })],
    ['no key instead of one', () => changed(1, { key: null })],
    ['a header', () => changed(1, { headers: { 'll-dup': '1' } })],
    ['a value', () => changed(2, { value: Buffer.from('{"a":4}') })],
    ['no value instead of one', () => changed(2, { value: null })],
    ['a message fewer', () => batchOf(three.slice(0, 2)).hash],
    [
      'the border between two values',
      () => batchOf([message(5, '{"a":1}{'), message(6, '"a":2}'), message(7, '{"a":3}')]).hash,
    ],
  ])('changes with %s', (_, hash) => {
    expect(hash()).not.toBe(original);
  });

  it('is the same for a tombstone and for an empty value, which are quarantined alike', () => {
    const empty = batchOf([message(5, '')]);
    const none = batchOf([message(5, null)]);
    expect(empty.rows[0]?.fault).toBe('tombstone');
    expect(none.hash).toBe(empty.hash);
  });
});

describe('its memory (R-DLV-03)', () => {
  it('is given back when a batch is stored, and used again', () => {
    const pool = new ChunkPool(4 * CHUNK_BYTES);
    const backlog = new Backlog(pool, 0, 1 << 20);
    const body = Buffer.alloc(300_000, 'x');
    const seen = new Set<Buffer>();
    for (let offset = 0; offset < 60; offset += 4) {
      backlog.append(
        [0, 1, 2, 3].map((more) => message(offset + more, body)),
        offset + 3,
        1,
      );
      const batch = backlog.cut(NO_LIMITS);
      if (!batch) throw new Error('Nothing was cut');
      expect(backlog.heldBytes).toBeGreaterThan(4 * body.length);
      for (const row of batch.rows) seen.add(row.chunk.bytes);
      backlog.release(batch);
      expect(backlog.heldBytes).toBe(0);
    }
    // 18 MB went through it.
    expect(seen.size).toBeLessThanOrEqual(3);
  });

  it('is given back when the partition is lost, also that of a batch in flight', () => {
    const pool = new ChunkPool(4 * CHUNK_BYTES);
    const backlog = new Backlog(pool, 0, 1 << 20);
    backlog.append([message(0, '{"a":1}'), message(1, '{"a":2}')], 1, 1);
    const inFlight = backlog.cutThrough(0);
    if (!inFlight) throw new Error('Nothing was cut');
    backlog.clear();
    const [row] = inFlight.rows;
    expect(row && valueOf(row).toString()).toBe('{"a":1}');
    expect(pool.open(1).bytes === row?.chunk.bytes).toBe(false);
    backlog.release(inFlight);
    expect(backlog.heldBytes).toBe(0);
    expect(pool.open(1).bytes === row?.chunk.bytes).toBe(true);
  });
});

describe('the pool of chunks', () => {
  it('keeps no more free memory than it was told to', () => {
    const pool = new ChunkPool(2 * CHUNK_BYTES);
    const chunks = [1, 2, 3].map(() => pool.open(10));
    for (const chunk of chunks) pool.close(chunk);
    const again = [1, 2, 3].map(() => pool.open(10).bytes);
    expect(again.filter((bytes) => chunks.some((chunk) => chunk.bytes === bytes))).toHaveLength(2);
  });

  it('gives an outsized message a chunk of its own, and does not keep it', () => {
    const pool = new ChunkPool(64 * CHUNK_BYTES);
    const large = pool.open(3 * CHUNK_BYTES);
    expect(large.bytes.length).toBe(3 * CHUNK_BYTES);
    pool.close(large);
    expect(pool.open(3 * CHUNK_BYTES).bytes === large.bytes).toBe(false);
  });

  it('takes a chunk back once, when its last row and its writer are done with it', () => {
    const pool = new ChunkPool(4 * CHUNK_BYTES);
    const chunk = pool.open(10);
    chunk.rows = 2;
    pool.release(chunk);
    pool.close(chunk);
    expect(pool.open(1).bytes === chunk.bytes).toBe(false);
    pool.release(chunk);
    expect(pool.open(1).bytes === chunk.bytes).toBe(true);
    expect(pool.open(1).bytes === chunk.bytes).toBe(false);
  });
});
