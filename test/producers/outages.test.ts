import { chmodSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  category,
  createLedger,
  defineCatalog,
  event,
  type LedgerOptions,
} from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';
import { until } from '../support/until.ts';
import { lineLogger } from './catalog.ts';
import { newFolder } from './spool/folder.ts';

const noted = event({ operation: 'create', label: 'Noted', target: 'thing' });
const common = { label: 'Test', icon: 'box' } as const;

/** One category for each way of being delivered. */
const catalog = defineCatalog(
  category('drops', { ...common, events: { 'drops.noted': noted } }),
  category('spools', { ...common, onFailure: 'spool', events: { 'spools.noted': noted } }),
  category('disk', { ...common, durability: 'disk', events: { 'disk.noted': noted } }),
);
const actor = { type: 'user', id: 'u' } as const;
const about = (n: number) => ({ actor, target: { id: `t${n}` } }) as const;

function ledgerOn(
  directory: string | undefined,
  options: Partial<LedgerOptions<typeof catalog>> = {},
) {
  const transport = memoryTransport({ partitions: 2 });
  const logger = lineLogger();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger,
    flushIntervalMs: 1,
    ...(directory === undefined ? {} : { spool: { directory, maxBytes: 1_048_576 } }),
    ...options,
  });
  onTestFinished(async () => {
    transport.recover();
    await ledger.close({ timeoutMs: 1_000 });
  });
  const ids = (): string[] => transport.messages.map(({ id }) => id);
  return { ledger, transport, logger, ids };
}

const statusesOf = (receipts: readonly { readonly status: string }[]): string[] =>
  receipts.map(({ status }) => status);

describe('R-EDGE-08: while Kafka hangs, each category goes its own way', () => {
  test('memory and drop: in memory while there is room, then counted', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 3 } });
    transport.hang();
    const receipts = [1, 2, 3, 4, 5].map((n) => ledger.emit('drops.noted', about(n)));
    expect(statusesOf(receipts)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'rejected',
      'rejected',
    ]);
    expect(receipts[4]).toMatchObject({
      cause: 'queue_full',
      error: { code: 'BUFFER_FULL', retryable: true },
    });
    transport.recover();
    await ledger.flush();
    expect(transport.messages).toHaveLength(3);
    expect(ledger.stats().byCategory['drops']?.rejected.queue_full).toBe(2);
  });

  test('memory and spool: in memory while there is room, then on disk, and all arrive', async () => {
    const { ledger, transport, logger, ids } = ledgerOn(newFolder(), { buffer: { maxEvents: 3 } });
    transport.hang();
    const receipts = Array.from({ length: 50 }, (_, n) => ledger.emit('spools.noted', about(n)));
    expect(statusesOf(receipts)).toEqual([
      ...Array<string>(3).fill('accepted'),
      ...Array<string>(47).fill('spooled'),
    ]);
    expect(ledger.stats()).toMatchObject({ accepted: 50, pending: 50, buffered: { events: 3 } });
    transport.recover();
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(new Set(ids()).size).toBe(50);
    expect(transport.messages.filter(({ mayRepeat }) => mayRepeat)).toEqual([]);
    expect(logger.lines).toEqual([
      'warn: the buffer is full: events wait on disk',
      'info: no events wait on disk any more',
    ]);
  });

  test('disk: on disk before emit returns, and in memory as well while there is room', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 3 } });
    transport.hang();
    const receipts = Array.from({ length: 10 }, (_, n) => ledger.emit('disk.noted', about(n)));
    expect(new Set(statusesOf(receipts))).toEqual(new Set(['spooled']));
    expect(ledger.stats().buffered.events).toBe(3);
    transport.recover();
    await ledger.flush();
    expect(ledger.stats()).toMatchObject({ stored: 10, pending: 0 });
  });

  test('the order of each target holds across memory and disk', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 6 } });
    const types = ['drops.noted', 'spools.noted', 'disk.noted'] as const;
    for (let n = 0; n < 400; n += 1) {
      if (n % 100 === 20) transport.hang();
      if (n % 100 === 60) transport.recover();
      ledger.emit(types[n % 3] ?? 'disk.noted', about(n % 5));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ledger.flush();
    const last = new Map<string, number>();
    for (const { key, value } of transport.messages) {
      const { producer_seq: seq } = JSON.parse(value) as { producer_seq: number };
      expect(seq).toBeGreaterThan(last.get(key) ?? 0);
      last.set(key, seq);
    }
    const { stored, lastSeq, rejected } = ledger.stats();
    expect(stored + rejected.queue_full).toBe(lastSeq);
    expect(stored).toBeGreaterThan(250);
  });

  test('without a folder, disk categories wait in memory, are never called spooled, and it is said once', () => {
    const { ledger, transport, logger } = ledgerOn(undefined);
    transport.hang();
    const receipts = [1, 2, 3].map((n) => ledger.emit('disk.noted', about(n)));
    expect(statusesOf(receipts)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(logger.lines).toEqual([expect.stringContaining('no spool.directory')]);
  });
});

describe('R-EDGE-08: when the disk has no room', () => {
  test('at the limit of the spool events are refused as spool_full, in two lines of the log', async () => {
    const { ledger, transport, logger } = ledgerOn(newFolder(), { buffer: { maxEvents: 10 } });
    transport.hang();
    let spooled = 0;
    let receipt = ledger.emit('disk.noted', about(0));
    while (receipt.status === 'spooled') {
      spooled += 1;
      receipt = ledger.emit('disk.noted', about(spooled));
    }
    expect(receipt).toMatchObject({
      cause: 'spool_full',
      error: { code: 'SPOOL_FULL', retryable: true },
    });
    for (let n = 0; n < 20; n += 1) ledger.emit('disk.noted', about(n));
    transport.recover();
    await ledger.flush();
    expect(ledger.emit('disk.noted', about(0)).status).toBe('spooled');
    await ledger.flush();
    expect(ledger.stats()).toMatchObject({ stored: spooled + 1, rejected: { spool_full: 21 } });
    expect(logger.lines.filter((line) => line.includes('spool takes'))).toEqual([
      'error: the spool takes no events; they wait in memory, as long as there is room',
      'warn: the spool takes events again',
    ]);
  });

  test('a folder that cannot be written: accepted while memory has room, then spool_full', () => {
    const parent = newFolder();
    const file = join(parent, 'a file, not a folder');
    writeFileSync(file, '');
    const { ledger, transport } = ledgerOn(file, { buffer: { maxEvents: 2 } });
    transport.hang();
    const receipts = [1, 2, 3].map((n) => ledger.emit('disk.noted', about(n)));
    expect(statusesOf(receipts)).toEqual(['accepted', 'accepted', 'rejected']);
    expect(receipts[2]).toMatchObject({
      cause: 'spool_full',
      error: { cause: { code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/) as string } },
    });
  });

  test.skipIf(process.getuid?.() === 0)(
    'EACCES, until it is put right (skipped for root, whom no mode stops)',
    async () => {
      const folder = newFolder();
      chmodSync(folder, 0o500);
      const { ledger } = ledgerOn(folder);
      expect(ledger.emit('disk.noted', about(1)).status).toBe('accepted');
      chmodSync(folder, 0o700);
      await until(
        'the spool is tried again',
        () => Promise.resolve(ledger.emit('disk.noted', about(2)).status),
        (status) => status === 'spooled',
      );
    },
  );
});

describe('R-EDGE-08: when somebody deletes the spool under a running ledger', () => {
  const deleted = 'error: files of the spool were deleted by somebody else';
  const linesOf = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.startsWith(deleted));

  test.each([
    ['before its first event', 0],
    ['while a file is being written', 10],
  ])('%s, it begins another folder, and nothing is refused', async (_, before) => {
    const folder = newFolder();
    const { ledger, logger } = ledgerOn(folder);
    for (let n = 0; n < before; n += 1) ledger.emit('disk.noted', about(n));
    await ledger.flush();
    rmSync(folder, { recursive: true });
    // Enough for the file that is open to be put away, and another to be begun.
    for (let n = 0; n < 2_000; n += 1) {
      expect(ledger.emit('disk.noted', about(n)).status).toBe('spooled');
      if (n % 100 === 0) await ledger.flush();
    }
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(ledger.stats()).toMatchObject({ stored: before + 2_000, lost: { abandoned: 0 } });
    expect(linesOf(logger.lines).length).toBeLessThanOrEqual(1);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('what was there alone is lost, counted and told; what memory has as well is sent', async () => {
    const folder = newFolder();
    const errors: unknown[] = [];
    const onError = (error: unknown): unknown => errors.push(error);
    const { ledger, transport, logger } = ledgerOn(folder, { buffer: { maxEvents: 4 }, onError });
    transport.hang();
    for (let n = 0; n < 9; n += 1) ledger.emit('disk.noted', about(n));
    ledger.emit('spools.noted', about(9));
    const recorded = ledger.record('disk.noted', about(10)).catch((error: unknown) => error);
    expect(ledger.stats()).toMatchObject({ pending: 11, buffered: { events: 4 } });
    rmSync(folder, { recursive: true });
    transport.recover();
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(await recorded).toMatchObject({ name: 'DeliveryError', code: 'SPOOL_LOST' });
    expect(ledger.stats()).toMatchObject({
      accepted: 11,
      stored: 4,
      pending: 0,
      lost: { abandoned: 7 },
      byCategory: { disk: { lost: { abandoned: 6 } }, spools: { lost: { abandoned: 1 } } },
    });
    expect(errors).toHaveLength(7);
    expect(linesOf(logger.lines)).toHaveLength(1);
    expect(logger.lines).toContain('info: no events wait on disk any more');
    expect(ledger.emit('disk.noted', about(12)).status).toBe('spooled');
    await ledger.flush();
    expect(ledger.stats().stored).toBe(5);
  });

  test('a close says so, and writes what memory still has anew', async () => {
    const folder = newFolder();
    const first = ledgerOn(folder, { buffer: { maxEvents: 4 } });
    first.transport.fail();
    for (let n = 0; n < 9; n += 1) first.ledger.emit('disk.noted', about(n));
    rmSync(folder, { recursive: true });
    expect(await first.ledger.close({ timeoutMs: 20 })).toMatchObject({
      complete: false,
      left: 5,
      spooled: 4,
    });
    expect(first.ledger.stats()).toMatchObject({ pending: 4, lost: { abandoned: 5 } });

    const second = ledgerOn(folder);
    expect(await second.ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(second.ledger.stats().recovered).toMatchObject({ taken: 4, stored: 4 });
  });

  test('nor is anything called spooled that a damaged file does not give back', async () => {
    const folder = newFolder();
    const { ledger, transport } = ledgerOn(folder, { buffer: { maxEvents: 4 } });
    transport.hang();
    for (let n = 0; n < 9; n += 1) ledger.emit('disk.noted', about(n));
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.seg')) truncateSync(join(folder, file), 100);
    }
    transport.recover();
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(ledger.stats()).toMatchObject({ stored: 4, pending: 0, lost: { abandoned: 5 } });
    expect(await ledger.close()).toEqual({ complete: true, left: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what an earlier process left there: what was not read yet is lost, what was is sent', async () => {
    const folder = newFolder();
    const first = ledgerOn(folder);
    first.transport.fail();
    for (let n = 0; n < 9; n += 1) first.ledger.emit('disk.noted', about(n));
    await first.ledger.close({ timeoutMs: 20 });
    const second = ledgerOn(folder, { buffer: { maxEvents: 4 } });
    second.transport.hang();
    await until(
      'some of it is in memory',
      () => Promise.resolve(second.ledger.stats().buffered.events),
      (events) => events > 0,
    );
    rmSync(folder, { recursive: true });
    second.transport.recover();
    expect((await second.ledger.close()).complete).toBe(true);
    const { taken, stored } = second.ledger.stats().recovered;
    expect(stored).toBe(taken);
    expect(second.transport.messages).toHaveLength(stored);
  });
});

describe('R-EDGE-06: close', () => {
  test('what Kafka does not take goes to disk where its category says so, and comes with the next ledger', async () => {
    const folder = newFolder();
    const first = ledgerOn(folder);
    first.transport.fail();
    for (let n = 0; n < 4; n += 1) {
      first.ledger.emit('drops.noted', about(n));
      first.ledger.emit('spools.noted', about(n));
      first.ledger.emit('disk.noted', about(n));
    }
    const recorded = first.ledger.record('disk.noted', about(9)).catch((error: unknown) => error);
    expect(await first.ledger.close({ timeoutMs: 20 })).toMatchObject({
      complete: false,
      left: 4,
      spooled: 9,
      error: { message: 'the broker is away' },
    });
    expect(await recorded).toMatchObject({
      name: 'DeliveryError',
      code: 'CLOSED',
      hint: expect.stringContaining('in the spool') as string,
    });
    expect(first.ledger.stats()).toMatchObject({ pending: 9, lost: { abandoned: 4 } });

    const second = ledgerOn(folder);
    second.ledger.emit('drops.noted', about(0));
    expect(await second.ledger.flush()).toEqual({ complete: true, left: 0 });
    expect(second.transport.messages.map(({ mayRepeat }) => mayRepeat)).toEqual(
      expect.arrayContaining([...Array<boolean>(9).fill(true), false]),
    );
    expect(second.transport.messages).toHaveLength(10);
    expect(second.ledger.stats()).toMatchObject({
      accepted: 1,
      stored: 1,
      recovered: { taken: 9, stored: 9, pending: 0 },
    });
    await second.ledger.close();
    expect(readdirSync(folder)).toEqual([]);
    expect([...first.logger.lines, ...second.logger.lines]).toEqual([
      'warn: events cannot be sent; they wait, and are tried again',
      'error: an event is not recorded; more like it are counted',
      'error: closed with events that were not delivered',
      'warn: an earlier process left events on disk; they are sent first',
      'info: what an earlier process left on disk is sent',
    ]);
  });
});

describe('R-EDGE-08: closing with what an earlier process left', () => {
  test.each([1, 100])(
    'is not complete, though nothing was emitted: room for %i',
    async (maxEvents) => {
      const folder = newFolder();
      const first = ledgerOn(folder);
      first.transport.fail();
      for (let n = 0; n < 5; n += 1) first.ledger.emit('disk.noted', about(n));
      await first.ledger.close({ timeoutMs: 20 });
      const second = ledgerOn(folder, { buffer: { maxEvents } });
      second.transport.fail();
      const report = await second.ledger.close({ timeoutMs: 20 });
      expect(report).toMatchObject({ complete: false, left: 0 });
      expect(report.spooled).toBeUndefined();
      expect(second.logger.lines.at(-1)).toBe(
        'error: closed with events that wait on disk for the next start',
      );
      const third = ledgerOn(folder);
      expect(await third.ledger.close()).toEqual({ complete: true, left: 0 });
      expect(third.ledger.stats().recovered).toMatchObject({ taken: 5, stored: 5 });
    },
  );
});

describe('R-REC-08: record says what went wrong, and whether to try again', () => {
  test('queue full, spool full, not delivered, invalid, too large, closed', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 1 } });
    transport.refuse(({ key }) => key.endsWith('t13'));
    await expect(ledger.record('drops.noted', about(13))).rejects.toMatchObject({
      code: 'KAFKA_REFUSED',
      retryable: false,
    });
    transport.recover();
    transport.hang();
    const late = ledger.record('disk.noted', about(1), { timeoutMs: 30 });
    await expect(ledger.record('drops.noted', about(2))).rejects.toMatchObject({
      code: 'BUFFER_FULL',
      retryable: true,
    });
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', retryable: true });
    const record = ledger.record.bind(ledger) as (type: string, input: unknown) => Promise<unknown>;
    await expect(record('disk.noted', { actor })).rejects.toMatchObject({
      code: 'EVENT_TARGET_REQUIRED',
      retryable: false,
    });
    transport.recover();
    await ledger.close();
    await expect(ledger.record('disk.noted', about(1))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('one that went to disk alone resolves when Kafka has it', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 2 } });
    transport.hang();
    const records = Array.from({ length: 12 }, (_, n) => ledger.record('disk.noted', about(n)));
    transport.recover();
    const ends = await Promise.all(records);
    expect(new Set(ends.map((end) => end.status === 'stored' && end.id)).size).toBe(12);
    expect(ledger.stats()).toMatchObject({ stored: 12, pending: 0 });
  });

  test('nobody is counted twice when a deadline passes first', async () => {
    const { ledger, transport } = ledgerOn(newFolder(), { buffer: { maxEvents: 1 } });
    transport.hang();
    const records = [1, 2, 3].map((n) => ledger.record('disk.noted', about(n), { timeoutMs: 20 }));
    expect(statusesOf(await Promise.allSettled(records))).toEqual(Array(3).fill('rejected'));
    transport.recover();
    await ledger.flush();
    expect(ledger.stats()).toMatchObject({ accepted: 3, stored: 3, pending: 0 });
  });
});

describe('R-EDGE-04: async: false', () => {
  test('each event is sent at once, and its receipt carries the promise', async () => {
    const { ledger, transport } = ledgerOn(undefined, { async: false, flushIntervalMs: 3_600_000 });
    const receipt = ledger.emit('drops.noted', about(1));
    if (receipt.status !== 'accepted') throw new Error(receipt.status);
    expect(await receipt.delivered).toMatchObject({ status: 'stored', id: receipt.id, seq: 1 });
    expect(transport.batchSizes).toEqual([1]);
  });

  test('the promise says that Kafka refuses, and never rejects', async () => {
    const { ledger, transport } = ledgerOn(undefined, { async: false });
    transport.refuse(() => true);
    const receipt = ledger.emit('drops.noted', about(1));
    if (receipt.status !== 'accepted') throw new Error(receipt.status);
    expect(await receipt.delivered).toMatchObject({
      status: 'undelivered',
      error: { name: 'DeliveryError', code: 'KAFKA_REFUSED', eventId: receipt.id },
    });
  });
});
