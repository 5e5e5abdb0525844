import { join } from 'node:path';
import { createTopic } from '../../consumers/index.ts';
import { authorization, createLedger, gateway } from '../../producers/index.ts';
import { type Account, accountOf } from './account.ts';
import { startProgram, type Program } from './program.ts';
import { readTopic } from './read-topic.ts';
import type { ServiceReport } from './service.ts';
import { KAFKA_OF, type Variant } from './variants.ts';
import type { VisitReport } from './visitors.ts';

const START_TIMEOUT_MS = 30_000;
/** Beyond warm-up and window: two thousand connections are opened and closed as well. */
const VISIT_SLACK_MS = 90_000;
const CLOSE_TIMEOUT_MS = 60_000;
const RECOVERY_TIMEOUT_MS = 60_000;

const say = (): void => undefined;
const SILENT = { info: say, warn: say, error: say };

/** Where the parts are, and what the services are started with. */
export interface Setting {
  readonly folder: string;
  readonly brokers: Readonly<Record<'there' | 'stopped' | 'hung', string>>;
  readonly connections: number;
  readonly level: string;
  /** The service's own; undefined: it keeps what it has in memory. */
  readonly databaseUrl: string | undefined;
}

/** How the users come, and for how long. */
export interface Load {
  /** Before the window, under the same load. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Requests a second of each user; 0: as fast as they are answered. */
  readonly pace: number;
}

/** The users came, and went. */
export interface Visit {
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerRequestUs: number;
}

/** What a service did in its life, and when its users came the last time. */
export interface Life extends Visit {
  readonly peakRssMb: number;
  readonly errors: number;
  /** Undefined without a ledger. */
  readonly account: Account | undefined;
}

/**
 * Starts the service as a variant, lets its users come once for each of the loads, ends it, and looks
 * for what it did: in the topic, after the next start has sent what the close left on disk.
 *
 * @param name of this life, for its topic and its folder
 * @throws when an action is neither stored nor counted
 */
export async function runVariant(
  variant: Variant,
  name: string,
  setting: Setting,
  loads: readonly Load[],
): Promise<Life> {
  const { connections, level, brokers, databaseUrl } = setting;
  const topic = `bench.users.${name}`;
  const spool = join(setting.folder, `${name}.spool`);
  const kafka = KAFKA_OF[variant];
  if (kafka !== undefined)
    await createTopic({ brokers: [brokers.there], topic }, { partitions: 4 });
  const service = await startProgram(
    'service',
    [
      `--users=${connections}`,
      ...(kafka === undefined ? [] : [`--spool=${spool}`]),
      ...(variant === 'unlogged' ? ['--unlogged'] : []),
    ],
    {
      ...(databaseUrl === undefined ? {} : { BENCH_DATABASE_URL: databaseUrl }),
      ...(kafka && {
        LEDGERLINE_KAFKA_BROKERS: brokers[kafka],
        LEDGERLINE_KAFKA_TOPIC: topic,
        AUDIT_TRAIL_LEVEL: level,
        AUDIT_TRAIL_ASYNC: String(variant !== 'sync'),
      }),
    },
  );
  try {
    const { url } = await service.line<{ url: string }>(START_TIMEOUT_MS);
    const visits: VisitReport[] = [];
    for (const load of loads) visits.push(await visited(service, url, connections, load));
    service.kill('SIGTERM');
    const report = await service.line<ServiceReport>(CLOSE_TIMEOUT_MS);
    const errors = errorsOf(variant, report, visits, connections);
    const life = { ...lastOf(visits), peakRssMb: report.peakRssMb, errors };
    const { audit } = report;
    if (audit === undefined) return { ...life, account: undefined };
    if (kafka !== 'there') await sendLeft(topic, spool, brokers.there, audit.spooled);
    const account = accountOf(report, audit, await readTopic([brokers.there], topic));
    if (account.unaccounted !== 0) {
      throw new Error(`${variant}: not all is accounted for: ${JSON.stringify(account)}`);
    }
    return { ...life, account };
  } finally {
    await service.stop();
  }
}

function lastOf(visits: readonly VisitReport[]): Visit {
  const last = visits.at(-1);
  if (last === undefined) throw new Error('no users came');
  const { requests, seconds, p50Ms, p99Ms, serviceCpuSeconds } = last;
  return {
    throughput: requests / seconds,
    p50Ms,
    p99Ms,
    cpuPerRequestUs: (serviceCpuSeconds * 1e6) / requests,
  };
}

async function visited(
  service: Program,
  url: string,
  connections: number,
  { warmUpSeconds, seconds, pace }: Load,
): Promise<VisitReport> {
  const visitors = await startProgram('visitors', [
    `--url=${url}`,
    `--pid=${service.pid}`,
    `--connections=${connections}`,
    `--warm-up-ms=${warmUpSeconds * 1000}`,
    `--seconds=${seconds}`,
    `--pace=${pace}`,
  ]);
  try {
    return await visitors.line((warmUpSeconds + seconds) * 1000 + VISIT_SLACK_MS);
  } finally {
    await visitors.stop();
  }
}

/** @throws when the service and its users disagree about what was done */
function errorsOf(
  variant: Variant,
  { performed, connections: accepted }: ServiceReport,
  visits: readonly VisitReport[],
  connections: number,
): number {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
  const errors = sum(visits.map((visit) => visit.errors));
  const answered = sum(visits.flatMap(({ statuses }) => Object.values(statuses)));
  const done = sum(Object.values(performed).flatMap((outcomes) => Object.values(outcomes)));
  const unheard = done - answered;
  const came = connections * visits.length;
  // The users leave with a request in hand each, at most.
  if (errors === 0 && (unheard < 0 || unheard > came)) {
    throw new Error(`${variant}: the service and its users disagree by ${unheard} requests`);
  }
  // Who has to connect again has lost a connection.
  return errors + Math.max(0, accepted - came);
}

/** What the next start of the service does first, with Kafka there again. */
async function sendLeft(
  topic: string,
  directory: string,
  broker: string,
  spooled: number,
): Promise<void> {
  const ledger = createLedger({
    service: 'gateway',
    catalog: [gateway, authorization],
    kafka: { brokers: [broker] },
    topic,
    spool: { directory },
    reportIntervalMs: false,
    logger: SILENT,
  });
  const { complete } = await ledger.close({ timeoutMs: RECOVERY_TIMEOUT_MS });
  const { taken, stored } = ledger.stats().recovered;
  if (!complete || taken !== spooled || stored !== spooled) {
    throw new Error(`${topic}: of ${spooled} events on disk ${taken} came back, ${stored} arrived`);
  }
}
