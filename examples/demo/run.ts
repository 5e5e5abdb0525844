import { DEFAULTS, optionsFromEnv, type LedgerStats } from 'ledgerline';
import { verify, type VerifyReport } from 'ledgerline/consumers';
import { takeFigures, type Figures } from './figures.ts';
import { PanelClient } from './panel-client.ts';
import type { Parts } from './parts.ts';
import { count, say, update } from './progress.ts';
import { askQuestions, type Answered } from './questions.ts';
import { Scenario } from './scenario.ts';
import { drive, noTraffic, type Traffic } from './traffic.ts';
import { until } from './until.ts';
import { furnish, newWorld } from './world.ts';

/** All that a run of the demo found. */
export interface Run {
  readonly figures: Figures;
  readonly traffic: Traffic;
  readonly killed: Killed;
  readonly answers: readonly Answered[];
  /** The panel's AUDIT_TRAIL_LEVEL. */
  readonly level: string;
}

interface Killed {
  readonly pid: number;
  readonly storedBefore: number;
  /** From the kill until everything was stored. */
  readonly storedAfterMs: number;
}

const CONNECTIONS = 16;
const FIRST_ROWS_TIMEOUT_MS = 60_000;
const TRAFFIC_TIMEOUT_MS = 600_000;
const SENT_TIMEOUT_MS = 60_000;
const CONSUMED_TIMEOUT_MS = 120_000;

/** Sends the requests, kills a worker in the middle, waits until everything is stored, and counts. */
export async function run(parts: Parts, requests: number): Promise<Run> {
  const { clickhouse, signal, worker } = parts;
  using client = new PanelClient(parts.panelUrl, CONNECTIONS);
  const world = newWorld();
  const [acme] = world;
  if (acme === undefined) throw new RangeError('there is no tenant');
  const traffic = noTraffic();
  const storedRows = () => rowsIn(parts);

  const showing = setInterval(
    () => update(`${count(traffic.sent)} of ${count(requests)} requests`),
    250,
  );
  using _showing = { [Symbol.dispose]: () => clearInterval(showing) };
  for (const tenant of world) await drive(client, furnish(tenant), 1, traffic, signal);
  const scenario = new Scenario(world);
  const half = Math.floor(requests / 2);
  await drive(client, scenario.take(half - traffic.sent), CONNECTIONS, traffic, signal);
  say(`${count(traffic.sent)} requests are answered`);
  await until({
    what: 'the first rows were stored',
    ask: storedRows,
    holds: (rows) => rows > 0,
    timeoutMs: FIRST_ROWS_TIMEOUT_MS,
    signal,
  });

  let storedBefore = 0;
  let killedAt = 0;
  const killUnderLoad = async (): Promise<void> => {
    await until({
      what: 'more requests were answered',
      ask: () => Promise.resolve(traffic.sent),
      holds: (sent) => sent > half + requests / 10,
      timeoutMs: TRAFFIC_TIMEOUT_MS,
      signal,
    });
    storedBefore = await storedRows();
    killedAt = performance.now();
    await worker.sigkill();
    say(`the second worker is killed (SIGKILL) with ${count(storedBefore)} rows stored`);
  };
  await Promise.all([
    drive(client, scenario.take(requests - traffic.sent), CONNECTIONS, traffic, signal),
    killUnderLoad(),
  ]);
  clearInterval(showing);
  say(`all ${count(traffic.sent)} requests are answered`);

  const stats = await until({
    what: 'Kafka had everything the panel kept',
    ask: () => statsOf(client),
    holds: ({ pending }) => pending === 0,
    timeoutMs: SENT_TIMEOUT_MS,
    signal,
  });
  const verified = await untilConsumed(parts);
  const storedAfterMs = Math.round(performance.now() - killedAt);
  say('the first worker has stored the rest');

  const figures = await takeFigures(clickhouse, stats, verified);
  return {
    figures,
    traffic,
    killed: { pid: worker.pid, storedBefore, storedAfterMs },
    answers: await askQuestions(clickhouse, acme),
    level: optionsFromEnv(process.env).level ?? DEFAULTS.level,
  };
}

/** Rows of both tables: what the workers are done with. */
async function rowsIn({ clickhouse }: Parts): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    'SELECT (SELECT count() FROM audit_events) + (SELECT count() FROM audit_quarantine) AS rows',
  );
  return Number(row?.rows);
}

async function statsOf(client: PanelClient): Promise<LedgerStats> {
  const { json } = await client.send({ method: 'GET', path: '/stats', tenant: '', user: '' });
  return json as LedgerStats;
}

/** Waits until the workers have committed everything that Kafka holds; says what is where. */
const untilConsumed = ({ kafka, clickhouse, signal }: Parts): Promise<VerifyReport> =>
  until({
    what: 'the workers had consumed everything',
    ask: () => verify({ kafka, clickhouse }),
    holds: ({ totals: { stored, notConsumed } }) => {
      update(`${count(stored)} events stored, ${count(notConsumed)} to come`);
      return notConsumed === 0;
    },
    everyMs: 500,
    timeoutMs: CONSUMED_TIMEOUT_MS,
    signal,
  });
