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
import { sourceRows, type Span } from '../table/source.ts';
import { insertRows } from './fill.ts';
import { timed, type Times, timesOf } from './measure.ts';
import type { Sample } from './samples.ts';

const INSERT_ROWS = 5_000;
/** So many inserts are different. */
const INSERT_BLOCKS = 3;
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
      const from = rows - INSERT_ROWS - (next % INSERT_BLOCKS) * INSERT_ROWS;
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
    const { erased } = await erase(clickhouse, await someoneWhoIsGone(clickhouse, rows, span));
    return erased.asParty + erased.namedOnly;
  });
  progress('beside a sweep of what a shorter retention leaves …');
  found['sweep'] = await beside(async () => {
    await applyRetention(clickhouse, { standard: 60 });
    return (await sweep(clickhouse, { batchSize: 100_000 })).removedRows;
  });
  return found;
}

/**
 * Of those who have no events among the inserts, the one with the most: new events of an erased person would
 * be found by the search that the erasure ends with, which then does not call itself complete.
 */
async function someoneWhoIsGone(
  clickhouse: ClickHouse,
  rows: number,
  span: Span,
): Promise<{ readonly identifiers: string[]; readonly tenant: string }> {
  const inserted = sourceRows(rows - INSERT_BLOCKS * INSERT_ROWS, rows, rows, span);
  const [found] = await clickhouse.query<{ tenant: string; actor: string }>(
    `SELECT tenant_id AS tenant, actor_id AS actor FROM audit_events
     WHERE actor_id NOT IN (SELECT actor_id FROM (${inserted}))
     GROUP BY tenant, actor ORDER BY count() DESC, actor LIMIT 1`,
    { timeoutMs: 300_000 },
  );
  if (found === undefined) throw new Error('everybody is among those who go on');
  return { identifiers: [found.actor], tenant: found.tenant };
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
