/** How long inserts and questions take while something large runs beside them. */
import {
  applyRetention,
  type ClickHouse,
  erase,
  openExport,
  planExport,
  searchPage,
  sweep,
} from '../../clickhouse/index.ts';
import { progress } from '../stack.ts';
import type { Span } from '../table/source.ts';
import { insertRows } from './fill.ts';
import { timed, type Times, timesOf } from './measure.ts';
import type { Sample } from './samples.ts';

const INSERT_ROWS = 5_000;
/** So many of each at least, also where the job ends sooner. */
const LEAST = 20;

export interface Beside {
  readonly insert: Times;
  readonly newest50: Times;
  /** How long the job took, and what it did; absent for `alone`. */
  readonly job?: { readonly seconds: number; readonly rows: number };
}

export async function measureMeanwhile(
  clickhouse: ClickHouse,
  samples: readonly Sample[],
  rows: number,
  span: Span,
): Promise<Record<string, Beside>> {
  let next = 0;
  const beside = async (job?: () => Promise<number>): Promise<Beside> => {
    const inserts: number[] = [];
    const questions: number[] = [];
    const began = performance.now();
    let seconds = 0;
    let running = job !== undefined;
    const work = job?.().finally(() => {
      running = false;
      seconds = Math.round((performance.now() - began) / 100) / 10;
    });
    // A job that fails is told when the loop below has seen that it is over.
    work?.catch(() => undefined);
    while (running || inserts.length < LEAST) {
      const sample = samples[next % samples.length];
      // Of the last day: the sweep must find nothing of them.
      const from = rows - INSERT_ROWS - (next % 3) * INSERT_ROWS;
      next += 1;
      inserts.push(await timed(() => insertRows(clickhouse, from, from + INSERT_ROWS, rows, span)));
      questions.push(
        await timed(() => searchPage(clickhouse, '', { tenant: sample?.tenant ?? '' })),
      );
    }
    const done = await work;
    const times = { insert: timesOf(inserts), newest50: timesOf(questions) };
    return done === undefined ? times : { ...times, job: { seconds, rows: done } };
  };

  const [someone] = samples;
  if (someone === undefined) throw new Error('no event to begin with');
  const found: Record<string, Beside> = {};
  progress('inserts and questions alone …');
  found['alone'] = await beside();
  progress('beside an export …');
  found['export'] = await beside(() => exportTenant(clickhouse, someone.tenant));
  progress('beside an erasure …');
  found['erasure'] = await beside(async () => {
    const person = { identifiers: [someone.actorId], tenant: someone.tenant };
    const { erased } = await erase(clickhouse, person);
    return erased.asParty + erased.namedOnly;
  });
  progress('beside a sweep of what a shorter retention leaves …');
  found['sweep'] = await beside(async () => {
    await applyRetention(clickhouse, { standard: 60 });
    return (await sweep(clickhouse, { batchSize: 100_000 })).removedRows;
  });
  return found;
}

async function exportTenant(clickhouse: ClickHouse, tenant: string): Promise<number> {
  const options = { tenant, format: 'ndjson', timeoutMs: 600_000 } as const;
  const plan = await planExport(clickhouse, '', options);
  let lines = 0;
  for await (const chunk of (await openExport(
    clickhouse,
    plan,
    options,
  )) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  if (lines !== plan.rows) throw new Error(`exported ${lines} of ${plan.rows} events`);
  return lines;
}
