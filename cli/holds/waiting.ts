import type { KeepingWork } from '../../clickhouse/index.ts';
import { say } from '../terminal.ts';

const WORDS: Readonly<Record<KeepingWork, string>> = {
  hold: 'a hold that is being placed',
  sync: 'a sync of holds',
  sweep: 'a sweep',
  erasure: 'an erasure',
};

/** Says what a hold, sweep or erasure waits for: they are done one at a time. */
export const sayWaiting = (other: KeepingWork): void => say(`waiting for ${WORDS[other]} to end …`);
