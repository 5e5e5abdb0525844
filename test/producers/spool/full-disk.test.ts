import type * as FileSystem from 'node:fs';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Spool } from '../../../producers/spool/spool.ts';
import { lineLogger } from '../catalog.ts';
import { newFolder } from './folder.ts';

/** How the next writes end: whole, cut short once, or cut short by a full disk. */
type WriteEnd = 'whole' | 'short' | 'full';
const disk = vi.hoisted(() => ({ ends: [] as string[], truncates: true }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof FileSystem>();
  const noSpace = (): Error => Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  return {
    ...real,
    writeSync: (file: number, bytes: Buffer, at = 0, ...rest: [number?, number?]): number => {
      const end = rest.length > 0 ? 'whole' : (disk.ends.shift() ?? 'whole');
      if (end === 'whole') return real.writeSync(file, bytes, at, ...rest);
      const some = Math.floor((bytes.length - at) / 2);
      real.writeSync(file, bytes, at, some);
      if (end === 'full') throw noSpace();
      return some;
    },
    ftruncateSync: (file: number, size: number): void => {
      if (!disk.truncates) throw noSpace();
      real.ftruncateSync(file, size);
    },
  };
});

afterEach(() => {
  vi.useRealTimers();
  disk.ends = [];
  disk.truncates = true;
});

const event = (n: number) => ({
  id: `event-${n}`,
  key: 'k',
  value: Buffer.from('x'.repeat(200)),
  mayRepeat: false,
});

const open = (directory: string): Spool => {
  const spool = new Spool({ directory, maxBytes: 2 ** 21, fsync: 'never' }, lineLogger());
  onTestFinished(() => spool.close());
  return spool;
};

async function idsIn(spool: Spool): Promise<string[]> {
  const ids: string[] = [];
  while (spool.hasBacklog) {
    await spool.read({ events: 50, bytes: 10_000 }, ({ event: { id } }) => ids.push(id));
  }
  return ids;
}

describe('R-EDGE-08: a disk that fills up in the middle of a record', () => {
  test('what was taken comes back, after a restart too; what was refused does not', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const ends = fc.constantFrom<WriteEnd>('whole', 'whole', 'whole', 'short', 'full');
    await fc.assert(
      fc.asyncProperty(fc.array(ends, { maxLength: 30 }), fc.boolean(), async (all, truncates) => {
        const folder = newFolder();
        const spool = open(folder);
        disk.ends = [...all];
        disk.truncates = truncates;
        const taken: string[] = [];
        for (let n = 0; n < 20; n += 1) {
          const isTaken = spool.append(event(n), 'app') !== undefined;
          if (isTaken) taken.push(`event-${n}`);
          expect(spool.error?.message).toBe(isTaken ? undefined : 'no space left');
          // After a refusal the disk is left in peace for a second.
          vi.advanceTimersByTime(1_001);
        }
        disk.ends = [];
        expect(await idsIn(spool)).toEqual(taken);
        await spool.close();
        expect(await idsIn(open(folder))).toEqual(taken);
      }),
      { numRuns: 60 },
    );
  });

  test('no attempt leaves a file behind', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const folder = newFolder();
    const spool = open(folder);
    const segments = (): string[] =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.seg'),
      );
    for (let n = 0; n < 10; n += 1) {
      disk.ends = ['full'];
      expect(spool.append(event(n), 'app')).toBeUndefined();
      expect(segments()).toEqual([]);
      vi.advanceTimersByTime(1_001);
    }
    expect(spool.append(event(10), 'app')).toBeDefined();
    expect(segments()).toHaveLength(1);
  });
});
