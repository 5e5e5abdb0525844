import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  ownerName,
  ownerOf,
  standingOf,
  startOf,
  thisProcess,
} from '../../../producers/spool/owner.ts';

const self = thisProcess();

describe('R-EDGE-08: whose a folder of the spool is', () => {
  test('a name says whose, and is read back', () => {
    expect(ownerOf(ownerName(self))).toEqual(self);
    expect(ownerOf('free')).toBeUndefined();
    expect(ownerOf('../../etc')).toBeUndefined();
  });

  test.each([
    ['the same process', {}, self.start, 'alive'],
    ['a process that is gone', { pid: 4_000_000 }, undefined, 'dead'],
    ['a process whose id another has now', { start: '1' }, self.start, 'dead'],
    ['another container of this name, or before a boot', { world: '0' }, self.start, 'elsewhere'],
    ['another machine', { host: '0' }, self.start, 'elsewhere'],
  ] as const)('%s', (_what, other, start, expected) => {
    expect(standingOf({ ...self, ...other }, self, () => start)).toBe(expected);
  });

  test('a real child is alive, and dead once it was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const owner = { ...self, pid, start: startOf(pid) ?? 'gone' };
    expect(standingOf(owner, self)).toBe('alive');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(standingOf(owner, self)).toBe('dead');
  });
});
