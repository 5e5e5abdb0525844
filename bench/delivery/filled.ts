import type { Stack } from '../../local/stack.ts';
import { ledgerline } from '../pipeline/ledgerline.ts';
import { type Figures, runRound } from '../pipeline/round.ts';
import type { FilledTopic } from '../pipeline/topic.ts';
import { median, progress, rounded } from '../stack.ts';
import { unguarded, workers } from './worker.ts';

export interface Cost {
  /** By how much less a second is stored with the protocol than without it; 0.1 is a tenth. */
  readonly exactlyOnceCost: number;
  readonly exactlyOnceCostByRound: readonly number[];
  /** The same in CPU seconds of worker and engine together, which other work beside it touches less. */
  readonly exactlyOnceCpuCost: number;
  readonly rowsPerSecondOn: number;
  readonly rowsPerSecondOff: number;
}

/** The worker with the protocol and without, in turn, the order changing; each pair is one ratio. */
export async function measureCost(
  stack: Stack,
  filled: FilledTopic,
  rounds: number,
): Promise<Cost> {
  const pairs: { on: Figures; off: Figures }[] = [];
  for (let round = 1; round <= rounds; round++) {
    const run = (name: 'on' | 'off'): Promise<Figures> =>
      runRound(name === 'on' ? ledgerline : unguarded, stack, filled, `cost_${name}_${round}`);
    const first = round % 2 === 1 ? 'on' : 'off';
    const one = await run(first);
    const other = await run(first === 'on' ? 'off' : 'on');
    const pair = first === 'on' ? { on: one, off: other } : { on: other, off: one };
    if (pair.on.checksum !== pair.off.checksum) throw new Error('on and off stored other content');
    pairs.push(pair);
    progress(
      `round ${round}: ${rounded(pair.on.rowsPerSecond)} rows/s on, ${rounded(pair.off.rowsPerSecond)} off`,
    );
  }
  const costs = pairs.map(({ on, off }) => 1 - on.rowsPerSecond / off.rowsPerSecond);
  const cpu = ({ cpuSecondsPerMillion, engineCpuSecondsPerMillion }: Figures): number =>
    cpuSecondsPerMillion + engineCpuSecondsPerMillion;
  return {
    exactlyOnceCost: rounded(median(costs), 3),
    exactlyOnceCostByRound: costs.map((cost) => rounded(cost, 3)),
    exactlyOnceCpuCost: rounded(median(pairs.map(({ on, off }) => cpu(on) / cpu(off) - 1)), 3),
    rowsPerSecondOn: rounded(median(pairs.map(({ on }) => on.rowsPerSecond))),
    rowsPerSecondOff: rounded(median(pairs.map(({ off }) => off.rowsPerSecond))),
  };
}

export interface Throughput {
  readonly rowsPerSecondOneWorker: number;
  readonly rowsPerSecondTwoWorkers: number;
}

/** One worker and two of one group, in turn, over the same backlog. */
export async function measureThroughput(
  stack: Stack,
  filled: FilledTopic,
  rounds: number,
): Promise<Throughput> {
  const speeds = new Map<number, number[]>([
    [1, []],
    [2, []],
  ]);
  for (let round = 1; round <= rounds; round++) {
    for (const [count, each] of speeds) {
      const figures = await runRound(workers(count), stack, filled, `workers_${count}_${round}`);
      each.push(figures.rowsPerSecond);
      progress(`round ${round}, workers ${count}: ${rounded(figures.rowsPerSecond)} rows/s`);
    }
  }
  const speed = (count: number): number => rounded(median(speeds.get(count) ?? []));
  return { rowsPerSecondOneWorker: speed(1), rowsPerSecondTwoWorkers: speed(2) };
}
