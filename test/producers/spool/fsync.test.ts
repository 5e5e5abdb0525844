import type * as FileSystem from 'node:fs';
import { basename } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Spool } from '../../../producers/spool/spool.ts';
import type { FsyncPolicy } from '../../../producers/options.ts';
import type { SpoolPlace } from '../../../producers/spool/segment.ts';
import { until } from '../../support/until.ts';
import { lineLogger } from '../catalog.ts';
import { newFolder } from './folder.ts';

/** What was synced, by function and path; the disk is the real one. */
const disk = vi.hoisted(() => ({ paths: new Map<number, string>(), syncs: [] as string[] }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof FileSystem>();
  const note = (how: string, file: number): void =>
    void disk.syncs.push(`${how} ${disk.paths.get(file)}`);
  return {
    ...real,
    openSync: (...given: Parameters<typeof real.openSync>): number => {
      const file = real.openSync(...given);
      disk.paths.set(file, String(given[0]));
      return file;
    },
    open: (path: string, flags: string, done: (error: Error | null, file: number) => void): void =>
      real.open(path, flags, (error, file) => {
        disk.paths.set(file, path);
        done(error, file);
      }),
    fsyncSync: (file: number): void => {
      note('waits for', file);
      real.fsyncSync(file);
    },
    fdatasyncSync: (file: number): void => {
      note('waits for', file);
      real.fdatasyncSync(file);
    },
    fsync: (file: number, done: () => void): void => {
      note('starts', file);
      real.fsync(file, done);
    },
    fdatasync: (file: number, done: () => void): void => {
      note('starts', file);
      real.fdatasync(file, done);
    },
  };
});

const event = { id: 'e', key: 'k', value: Buffer.alloc(50_000, 'x'), mayRepeat: false };

function openSpool(fsync: FsyncPolicy) {
  const directory = newFolder();
  const spool = new Spool({ directory, maxBytes: 2 ** 23, fsync }, lineLogger());
  onTestFinished(() => spool.close());
  const append = (): SpoolPlace => {
    const appended = spool.append(event, 'app');
    if (appended === undefined) throw spool.error ?? new Error('not appended');
    return spool.taken(appended);
  };
  /** What was synced since the last call: a segment, the ledger's folder, the spool's. */
  const synced = (): string[] =>
    disk.syncs.splice(0).map((sync) => {
      const [, how = '', path = ''] = /^(waits for|starts) (.*)$/u.exec(sync) ?? [];
      if (path === directory) return `${how} the spool`;
      return `${how} ${basename(path).replace(/^.*@.*$/u, 'the folder')}`;
    });
  return { spool, append, synced };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  disk.syncs = [];
});
afterEach(() => void vi.useRealTimers());

describe('R-EDGE-08: what is written through to the disk itself', () => {
  test('never: nothing', async () => {
    const { spool, append, synced } = openSpool('never');
    for (let n = 0; n < 100; n += 1) append();
    vi.advanceTimersByTime(10_000);
    await spool.close();
    expect(synced()).toEqual([]);
  });

  test('always: each record before emit returns, and once what leads to it', async () => {
    const { spool, append, synced } = openSpool('always');
    append();
    expect(synced()).toEqual([
      'waits for the spool',
      'waits for the folder',
      'waits for 00000001.seg',
    ]);
    append();
    expect(synced()).toEqual(['waits for 00000001.seg']);
    await spool.close();
    expect(synced()).toEqual([]);
  });

  test('interval: once a second, and emit waits for nothing', async () => {
    const { spool, append, synced } = openSpool('interval');
    for (let n = 0; n < 10; n += 1) append();
    expect(synced()).toEqual([]);
    vi.advanceTimersByTime(1_000);
    await until(
      'three are synced',
      async () => disk.syncs.length,
      (syncs) => syncs === 3,
    );
    expect(synced().toSorted()).toEqual([
      'starts 00000001.seg',
      'starts the folder',
      'starts the spool',
    ]);
    vi.advanceTimersByTime(5_000);
    append();
    expect(synced()).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(synced()).toEqual(['starts 00000001.seg']);
    append();
    await spool.close();
    expect(synced()).toEqual(['waits for 00000001.seg']);
  });

  test('interval: a file that is full is synced, unless it is deleted anyway', () => {
    const { spool, append, synced } = openSpool('interval');
    const first = Array.from({ length: 25 }, append);
    expect(synced()).toEqual(['starts 00000001.seg']);
    for (const place of first) spool.settle(place);
    for (let round = 0; round < 10; round += 1) {
      const places = Array.from({ length: 10 }, append);
      for (const place of places) spool.settle(place);
    }
    expect(synced()).toEqual([]);
  });
});
