import { setTimeout as delay } from 'node:timers/promises';
import { type ClickHouse, migrate, openClickHouse } from '../../clickhouse/index.ts';
import type { Stack } from '../../local/stack.ts';
import { cpuSeconds, forgetPeak, peakRssMb } from '../process-usage.ts';
import { checkLedger, storedRows } from './check.ts';
import type { Contender } from './contender.ts';
import type { FilledTopic } from './topic.ts';

const POLL_MS = 100;
/** Slower than 1,000 rows a second is not slow but stuck. */
const DEADLINE_MS_PER_ROW = 1;
const DEADLINE_MS_AT_LEAST = 60_000;

export interface Figures {
  readonly rowsPerSecond: number;
  /** Of the process that carries the rows; the engine's own where it carries them itself. */
  readonly cpuSecondsPerMillion: number;
  readonly engineCpuSecondsPerMillion: number;
  readonly peakRssMb: number;
  readonly checksum: string;
}

/**
 * One contender's run into a new database, timed from its start until the last row can be read.
 * When all is checked, `look` may see more of the table before it goes.
 */
export async function runRound(
  contender: Contender,
  stack: Stack,
  filled: FilledTopic,
  run: string,
  look: (clickhouse: ClickHouse) => Promise<void> = () => Promise.resolve(),
): Promise<Figures> {
  const database = `bench_${run}`;
  const clickhouse = openClickHouse({ url: stack.engine.url, database });
  const enginePid = stack.engine.pid;
  try {
    await migrate(clickhouse);
    forgetPeak(enginePid);
    const engineBefore = cpuSeconds(enginePid);
    const startedAt = performance.now();
    const running = await contender.start({
      brokers: stack.kafka.brokers,
      topic: filled.topic,
      group: run,
      clickhouseUrl: stack.engine.url,
      database,
      clickhouse,
    });
    try {
      const deadline = Math.max(DEADLINE_MS_AT_LEAST, filled.events * DEADLINE_MS_PER_ROW);
      await Promise.race([
        allStored(() => storedRows(clickhouse), filled.events, startedAt + deadline),
        running.failed,
      ]);
      const seconds = (performance.now() - startedAt) / 1000;
      const engineCpu = cpuSeconds(enginePid) - engineBefore;
      const pid = running.pid ?? enginePid;
      const cpu = running.pid === undefined ? engineCpu : cpuSeconds(pid);
      const millions = filled.events / 1e6;
      const figures = {
        rowsPerSecond: filled.events / seconds,
        cpuSecondsPerMillion: cpu / millions,
        engineCpuSecondsPerMillion: engineCpu / millions,
        peakRssMb: peakRssMb(pid),
      };
      // Nothing can be added any more when it is checked.
      await running.stop();
      const checksum = await checkLedger(clickhouse, filled.events);
      await look(clickhouse);
      return { ...figures, checksum };
    } finally {
      await running.stop();
    }
  } finally {
    await clickhouse.command(`DROP DATABASE IF EXISTS ${database} SYNC`, {
      database: 'default',
      timeoutMs: 60_000,
    });
    await clickhouse.close();
  }
}

async function allStored(
  rows: () => Promise<number>,
  events: number,
  deadline: number,
): Promise<void> {
  for (;;) {
    const stored = await rows();
    if (stored >= events) return;
    if (performance.now() > deadline) {
      throw new Error(`only ${stored} of ${events} rows were stored before the deadline`);
    }
    await delay(POLL_MS);
  }
}
