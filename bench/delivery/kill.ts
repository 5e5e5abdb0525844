import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../local/stack.ts';
import { median, progress } from '../stack.ts';
import { messagesOf, owners } from './broker.ts';
import { checkAll, highestOffsets, PARTITIONS, withPlace } from './paced.ts';
import { startWorker } from './worker.ts';

const RATE = 400;
const POLL_MS = 50;
/** An insert that was on its way when its worker was killed may still arrive. */
const LAST_WORDS_MS = 1_500;
const JOINED_WITHIN_MS = 60_000;
const TAKEN_OVER_WITHIN_MS = 90_000;

export interface Kill {
  /** From SIGKILL until the successor has stored the first row of the killed worker's partitions. */
  readonly killToFirstRowMs: number;
  /** … until it has stored rows of all of them. */
  readonly killToAllPartitionsMs: number;
  readonly killToFirstRowMsByRound: readonly number[];
}

/** Two workers under a steady load; one is killed. In the end every message has to be there once. */
export async function measureKill(stack: Stack, rounds: number): Promise<Kill> {
  const firsts: number[] = [];
  const alls: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const { first, all } = await oneKill(stack, `kill_${round}`);
    progress(`kill ${round}: first row after ${first} ms, all partitions after ${all} ms`);
    firsts.push(first);
    alls.push(all);
  }
  return {
    killToFirstRowMs: median(firsts),
    killToAllPartitionsMs: median(alls),
    killToFirstRowMsByRound: firsts,
  };
}

function oneKill(stack: Stack, name: string): Promise<{ first: number; all: number }> {
  return withPlace(stack, name, async (place) => {
    const { brokers, clickhouse, producer } = place;
    const load = { goesOn: true };
    const sending = (async (): Promise<void> => {
      while (load.goesOn) await producer.pace(RATE, 500);
    })();
    const victim = await startWorker(place);
    const heir = await startWorker(place);
    try {
      const theirs = await untilShared(brokers, name, victim.pid ?? 0, async () => {
        return (await highestOffsets(clickhouse)).size === PARTITIONS;
      });
      const killed = performance.now();
      process.kill(victim.pid ?? 0, 'SIGKILL');
      await delay(LAST_WORDS_MS);
      const before = await highestOffsets(clickhouse);
      const seen = new Map<number, number>();
      while (seen.size < theirs.length) {
        const now = await highestOffsets(clickhouse);
        const elapsed = Math.round(performance.now() - killed);
        for (const partition of theirs) {
          const grown = (now.get(partition) ?? -1) > (before.get(partition) ?? -1);
          if (grown && !seen.has(partition)) seen.set(partition, elapsed);
        }
        if (elapsed > TAKEN_OVER_WITHIN_MS) throw new Error('nobody took the partitions over');
        await Promise.race([delay(POLL_MS), heir.failed]);
      }
      load.goesOn = false;
      await sending;
      await checkAll(clickhouse, await messagesOf(brokers, name), TAKEN_OVER_WITHIN_MS);
      const times = [...seen.values()];
      return { first: Math.min(...times), all: Math.max(...times) };
    } finally {
      load.goesOn = false;
      await sending;
      await Promise.all([victim.stop(), heir.stop()]);
    }
  });
}

/** The partitions of the first worker, once both have some and all are being stored. */
async function untilShared(
  brokers: readonly string[],
  group: string,
  pid: number,
  stored: () => Promise<boolean>,
): Promise<readonly number[]> {
  const deadline = performance.now() + JOINED_WITHIN_MS;
  while (performance.now() < deadline) {
    const shares = await owners(brokers, group);
    const theirs = shares.get(pid) ?? [];
    const both = shares.size === 2 && [...shares.values()].every(({ length }) => length > 0);
    if (both && (await stored())) return theirs;
    await delay(200);
  }
  throw new Error('the two workers did not share the partitions in time');
}
