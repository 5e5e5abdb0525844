import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { OutboundMessage } from '../../../producers/index.ts';
import { Estate } from '../../../producers/spool/estate.ts';
import { thisProcess } from '../../../producers/spool/owner.ts';
import type { SpoolPlace } from '../../../producers/spool/segment.ts';
import { Holding } from '../../../producers/spool/holding.ts';
import { claimSlot, inheritSlots, SILENT_AFTER_MS } from '../../../producers/spool/slot.ts';
import { Spool, type Returned } from '../../../producers/spool/spool.ts';
import { lineLogger } from '../catalog.ts';
import { newFolder } from './folder.ts';

const MIB = 1024 * 1024;
const CHUNK = { events: 100, bytes: 64 * 1024 };

const event = (n: number, bytes = 20): OutboundMessage => ({
  id: `event-${n}`,
  key: `default/env/${n % 3}`,
  value: Buffer.from(`${n}`.padEnd(bytes, ' ')),
  mayRepeat: n % 2 === 0,
});

function openSpool(directory: string, { maxBytes = 64 * MIB } = {}) {
  const logger = lineLogger();
  const spool = new Spool({ directory, maxBytes, fsync: 'never' }, logger);
  onTestFinished(() => spool.close());
  return { spool, logger };
}

/** Everything that is on disk only, in the order in which it comes back. */
async function readAll(spool: Spool): Promise<Returned[]> {
  const returned: Returned[] = [];
  while (spool.hasBacklog) await spool.read(CHUNK, (each) => returned.push(each));
  return returned;
}

const idsOf = (returned: readonly Returned[]): string[] => returned.map((each) => each.event.id);
const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `event-${from + n}`);

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.seg'),
  );

/** The file of a spool that holds just this. */
async function fileOf(one: OutboundMessage): Promise<string> {
  const folder = newFolder();
  const { spool } = openSpool(folder);
  spool.append(one, 'app');
  await spool.close();
  return join(folder, filesIn(folder)[0] ?? '');
}

/** As a killed process leaves it: its slot, under an owner that is no more. */
function abandoned(folder: string) {
  const dead = { ...thisProcess(), start: '1' };
  const slot = claimSlot(folder, dead);
  return slot;
}

describe('R-EDGE-08: the spool', () => {
  test('gives back in order what was appended, over many segments', async () => {
    const { spool } = openSpool(newFolder(), { maxBytes: 4 * MIB });
    for (let n = 0; n < 3_000; n += 1) expect(spool.append(event(n, 900), 'app')).toBeDefined();
    const returned = await readAll(spool);
    expect(idsOf(returned)).toEqual(ids(0, 3_000));
    expect(returned[7]).toMatchObject({
      event: { ...event(7, 900) },
      category: 'app',
      inherited: false,
    });
  });

  test('a file that cannot be read back costs what is in it, and nothing that comes later', async () => {
    const folder = newFolder();
    const { spool, logger } = openSpool(folder);
    for (let n = 0; n < 3; n += 1) spool.append(event(n), 'app');
    for (const file of filesIn(folder)) {
      rmSync(join(folder, file));
      mkdirSync(join(folder, file)); // EISDIR, from its first byte on
    }
    expect(await readAll(spool)).toEqual([]);
    expect(logger.lines.filter((line) => line.includes('cannot be read'))).toHaveLength(1);

    for (let n = 3; n < 6; n += 1) spool.append(event(n), 'app');
    expect(spool.hasBacklog).toBe(true);
    const returned: Returned[] = [];
    for (let reads = 0; reads < 3 && spool.hasBacklog; reads += 1)
      await spool.read(CHUNK, (each) => returned.push(each));
    expect(idsOf(returned)).toEqual(ids(3, 6));
    expect(spool.hasBacklog).toBe(false);
  });

  test.each(['file', 'folder'])(
    'whose %s somebody deletes, it notices within ten seconds',
    async (what) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      onTestFinished(() => void vi.useRealTimers());
      const folder = newFolder();
      const { spool, logger } = openSpool(folder);
      for (let n = 0; n < 3; n += 1) spool.append(event(n), 'app');
      if (what === 'folder') rmSync(folder, { recursive: true });
      else for (const file of filesIn(folder)) rmSync(join(folder, file));
      vi.advanceTimersByTime(10_000);
      expect(spool).toMatchObject({ hasBacklog: false, bytes: 0 });
      vi.advanceTimersByTime(10_000);
      expect(logger.lines).toEqual([
        'error: files of the spool were deleted by somebody else; what they alone had is lost',
      ]);

      for (let n = 3; n < 6; n += 1) spool.append(event(n), 'app');
      expect(idsOf(await readAll(spool))).toEqual(ids(3, 6));
      await spool.close();
      expect(idsOf(await readAll(openSpool(folder).spool))).toEqual(ids(3, 6));
    },
  );

  test.each([0, 1, 8, 100])('however little room there is, as %i bytes', async (bytes) => {
    const { spool } = openSpool(newFolder());
    for (let n = 0; n < 20; n += 1) spool.append(event(n, n === 7 ? 100_000 : 300), 'app');
    const returned: Returned[] = [];
    while (spool.hasBacklog) await spool.read({ events: 0, bytes }, (each) => returned.push(each));
    expect(idsOf(returned)).toEqual(ids(0, 20));
  });

  test('what somebody cut off while it was being written is reported, and what follows is kept', async () => {
    const folder = newFolder();
    const { spool, logger } = openSpool(folder);
    for (let n = 0; n < 4; n += 1) spool.append(event(n), 'app');
    const [file = ''] = filesIn(folder);
    truncateSync(join(folder, file), statSync(join(folder, file)).size - 10);
    expect(idsOf(await readAll(spool))).toEqual(ids(0, 3));
    expect(logger.lines).toEqual([expect.stringContaining('the end is cut off')]);
    for (let n = 4; n < 8; n += 1) spool.append(event(n), 'app');
    expect(idsOf(await readAll(spool))).toEqual(ids(4, 8));
    await spool.close();
    expect(idsOf(await readAll(openSpool(folder).spool))).toEqual([...ids(0, 3), ...ids(4, 8)]);
  });

  test('a segment is deleted once all its records are settled, in whatever order', async () => {
    const folder = newFolder();
    const { spool } = openSpool(folder, { maxBytes: 4 * MIB });
    for (let n = 0; n < 3_000; n += 1) spool.append(event(n, 900), 'app');
    const returned = await readAll(spool);
    expect(filesIn(folder).length).toBeGreaterThan(4);
    const [late, rest] = [returned.slice(0, 1), returned.slice(1)];
    for (const { place } of rest.toReversed()) spool.settle(place);
    // The one that waits for its first record, and the one that is being written.
    expect(filesIn(folder)).toHaveLength(2);
    for (const { place } of late) spool.settle(place);
    await spool.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what is left at the close comes back at the next start, flagged as inherited, first', async () => {
    const folder = newFolder();
    const first = openSpool(folder).spool;
    for (let n = 0; n < 10; n += 1) first.append(event(n), 'app');
    const [a, b] = await readAll(first);
    for (const each of [b, a]) if (each !== undefined) first.settle(each.place);
    await first.close();

    const { spool, logger } = openSpool(folder);
    spool.append(event(10), 'app');
    const returned = await readAll(spool);
    expect(idsOf(returned)).toEqual(ids(2, 11));
    expect(returned.map(({ inherited }) => inherited)).toEqual([...Array(8).fill(true), false]);
    expect(logger.lines).toEqual([
      'warn: an earlier process left events on disk; they are sent first',
    ]);
  });

  test('without its cursor everything in the oldest file comes again, and nothing is missing', async () => {
    const folder = newFolder();
    const first = openSpool(folder).spool;
    for (let n = 0; n < 10; n += 1) first.append(event(n), 'app');
    const [a] = await readAll(first);
    if (a !== undefined) first.settle(a.place);
    await first.close();
    const [slot = ''] = readdirSync(folder);
    writeFileSync(join(folder, slot, 'cursor'), 'nonsense');
    expect(idsOf(await readAll(openSpool(folder).spool))).toEqual(ids(0, 10));
  });

  test('files are for their owner alone', () => {
    const folder = join(newFolder(), 'made');
    openSpool(folder).spool.append(event(1), 'app');
    const modeOf = (path: string): number => statSync(path).mode & 0o777;
    expect(modeOf(folder)).toBe(0o700);
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      expect([name, modeOf(path)]).toEqual([name, statSync(path).isDirectory() ? 0o700 : 0o600]);
    }
  });

  test('two at once share a folder, and neither touches the other’s', async () => {
    const folder = newFolder();
    const [one, two] = [openSpool(folder).spool, openSpool(folder).spool];
    one.append(event(1), 'app');
    two.append(event(2), 'app');
    expect(idsOf(await readAll(one))).toEqual(['event-1']);
    expect(idsOf(await readAll(two))).toEqual(['event-2']);
  });

  test('of several that start together, one takes over what a dead process left', () => {
    const folder = newFolder();
    abandoned(folder);
    const self = thisProcess();
    const taken = Array.from({ length: 5 }, () => inheritSlots(folder, self).slots.length);
    expect(taken).toEqual([1, 0, 0, 0, 0]);
  });

  test.each([
    ['machine', { host: '00000000' }],
    ['container of the same name', { world: '00000000' }],
  ])('a folder of another %s is left alone while its owner is heard of', async (_what, place) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const folder = newFolder();
    const other = claimSlot(folder, { ...thisProcess(), ...place });
    copyFileSync(await fileOf(event(1)), other.segmentPath(1));
    const owner = new Holding(other, false, lineLogger());
    const { logger, spool } = openSpool(folder);
    for (let seconds = 0; seconds < 120; seconds += 10) {
      owner.beat();
      // The file system has a clock of its own.
      utimesSync(join(other.path, 'cursor'), new Date(), new Date());
      vi.advanceTimersByTime(10_000);
    }
    expect(spool.hasBacklog).toBe(false);
    vi.advanceTimersByTime(SILENT_AFTER_MS + 10_000);
    expect(idsOf(await readAll(spool))).toEqual(['event-1']);
    expect(logger.lines).toEqual([
      expect.stringContaining('another machine or container uses this spool'),
      expect.stringContaining('left events on disk'),
    ]);
  });

  test('who takes over a silent folder is heard of at once: nobody takes it over from them', async () => {
    const folder = newFolder();
    const inContainer = (world: string) => ({ ...thisProcess(), world });
    const silent = claimSlot(folder, inContainer('00000000'));
    copyFileSync(await fileOf(event(1)), silent.segmentPath(1));
    writeFileSync(join(silent.path, 'cursor'), '');
    const longAgo = new Date(Date.now() - 2 * SILENT_AFTER_MS);
    utimesSync(join(silent.path, 'cursor'), longAgo, longAgo);
    expect(new Estate(folder, inContainer('00000001'), lineLogger()).takeOver()).toHaveLength(1);
    expect(new Estate(folder, inContainer('00000002'), lineLogger()).takeOver()).toEqual([]);
  });

  test('the limit holds, and there is room again when something is settled', async () => {
    const { spool } = openSpool(newFolder(), { maxBytes: MIB });
    let taken = 0;
    while (spool.append(event(taken, 1_000), 'app') !== undefined) taken += 1;
    expect(spool.bytes).toBeLessThanOrEqual(MIB);
    expect(spool.error?.message).toContain('1048576 bytes');
    for (const { place } of await readAll(spool)) spool.settle(place);
    expect(spool.append(event(taken, 1_000), 'app')).toBeDefined();
    expect(spool.error).toBeUndefined();
  });

  test('a file of another version is neither read nor deleted', async () => {
    const folder = newFolder();
    const slot = abandoned(folder);
    writeFileSync(slot.segmentPath(1), 'LLSPOOL9 whatever that is');
    const { spool, logger } = openSpool(folder);
    expect(await readAll(spool)).toEqual([]);
    expect(logger.lines).toContainEqual(expect.stringContaining('cannot be read'));
    await spool.close();
    expect(filesIn(folder)).toHaveLength(1);
  });
});

describe('R-EDGE-08: after a kill in the middle of a write', () => {
  test('torn at every byte: whole records come back, the end is cut and reported, once', async () => {
    const bytes = { header: 8, total: 0, ends: [] as number[] };
    const template = newFolder();
    const first = openSpool(template).spool;
    for (let n = 0; n < 4; n += 1) {
      first.append(event(n), 'app');
      bytes.ends.push(first.bytes);
    }
    bytes.total = first.bytes;
    const [source = ''] = filesIn(template);
    const whole = readFileSync(join(template, source));
    expect(whole.length).toBe(bytes.total);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const folder = newFolder();
      const slot = abandoned(folder);
      writeFileSync(slot.segmentPath(1), whole.subarray(0, cut));
      const { spool, logger } = openSpool(folder);
      const returned = await readAll(spool);
      const expected = bytes.ends.filter((end) => end <= cut).length;
      expect(idsOf(returned)).toEqual(ids(0, expected));
      const clean = cut <= bytes.header || bytes.ends.includes(cut);
      const cuts = logger.lines.filter((line) => line.includes('the end is cut off'));
      expect([cut, cuts.length]).toEqual([cut, clean ? 0 : 1]);
      for (const { place } of returned) spool.settle(place);
      await spool.close();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test('a record that no longer says what was written ends its file, and no other', async () => {
    const folder = newFolder();
    const spool = openSpool(folder, { maxBytes: MIB }).spool;
    for (let n = 0; n < 400; n += 1) spool.append(event(n, 1_000), 'app');
    const before = filesIn(folder).toSorted();
    await spool.close();
    const [first = ''] = filesIn(folder).toSorted();
    expect(before.length).toBeGreaterThan(2);
    const path = join(folder, first);
    truncateSync(path, statSync(path).size - 5);
    appendFileSync(path, Buffer.alloc(300, 7));
    const again = openSpool(folder);
    const returned = idsOf(await readAll(again.spool));
    const perFile = returned.findIndex((id, index) => id !== `event-${index}`);
    expect(returned).toEqual([...ids(0, perFile), ...ids(perFile + 1, 400)]);
  });
});

describe('R-EDGE-08: any history', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('append' as const) },
      { weight: 3, arbitrary: fc.constant('read' as const) },
      { weight: 4, arbitrary: fc.constant('settle' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    ),
    { maxLength: 120 },
  );

  test('what was appended and not settled comes back after any restart, in order', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.nat()), async (all, chances) => {
        const folder = newFolder();
        let { spool } = openSpool(folder, { maxBytes: MIB });
        let next = 0;
        const unsettled = new Set<string>();
        let inMemory: { id: string; place: SpoolPlace }[] = [];
        for (const step of all) {
          if (step === 'append') {
            if (spool.append(event(next, 3_000), 'app')) unsettled.add(`event-${next}`);
            next += 1;
          } else if (step === 'read') {
            await spool.read({ events: 3, bytes: 8_000 }, ({ event: { id }, place }) =>
              inMemory.push({ id, place }),
            );
          } else if (step === 'settle' && inMemory.length > 0) {
            const [one] = inMemory.splice((chances.next().value ?? 0) % inMemory.length, 1);
            if (one === undefined) continue;
            spool.settle(one.place);
            unsettled.delete(one.id);
          } else if (step === 'restart') {
            await spool.close();
            inMemory = [];
            ({ spool } = openSpool(folder, { maxBytes: MIB }));
          }
        }
        await spool.close();
        ({ spool } = openSpool(folder, { maxBytes: MIB }));
        const back = idsOf(await readAll(spool));
        expect(back).toEqual(back.toSorted((a, b) => Number(a.slice(6)) - Number(b.slice(6))));
        // Some that are settled may come again: the ledger knows them. None may be missing.
        expect([...unsettled].filter((id) => !back.includes(id))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
