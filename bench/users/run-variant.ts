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

/** Where the parts are, and how much of it there is to be. */
export interface Setting {
  readonly folder: string;
  readonly brokers: Readonly<Record<'there' | 'stopped' | 'hung', string>>;
  readonly connections: number;
  readonly seconds: number;
  /** Before the window, under the same load. */
  readonly warmUpSeconds: number;
  readonly level: string;
  /** Requests a second of each user; 0: as fast as they are answered. */
  readonly pace: number;
}

/** One variant, once. */
export interface Run {
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerRequestUs: number;
  readonly peakRssMb: number;
  readonly errors: number;
  /** Undefined without a ledger. */
  readonly account: Account | undefined;
}

/**
 * Starts the service, lets the users come, ends it, and looks for what it did: in the topic, after
 * the next start has sent what the close left on disk.
 *
 * @throws when an action is neither stored nor counted
 */
export async function runVariant(variant: Variant, name: string, setting: Setting): Promise<Run> {
  const { visit, report } = await loaded(variant, name, setting);
  const { audit, performed, connections, peakRssMb } = report;
  const answered = Object.values(visit.statuses).reduce((sum, n) => sum + n, 0);
  const done = Object.values(performed).flatMap((outcomes) => Object.values(outcomes));
  const unheard = done.reduce((sum, n) => sum + n, 0) - answered;
  // The users leave with a request in hand each, at most.
  if (visit.errors === 0 && (unheard < 0 || unheard > setting.connections)) {
    throw new Error(`${name}: the service and its users disagree by ${unheard} requests`);
  }
  let account: Account | undefined;
  if (audit !== undefined) {
    if (KAFKA_OF[variant] !== 'there') await sendLeft(name, setting, audit.spooled);
    account = accountOf(report, audit, await readTopic([setting.brokers.there], name));
    if (account.unaccounted !== 0) {
      throw new Error(`${name}: not every action is accounted for: ${JSON.stringify(account)}`);
    }
  }
  return {
    throughput: visit.requests / visit.seconds,
    p50Ms: visit.p50Ms,
    p99Ms: visit.p99Ms,
    cpuPerRequestUs: (visit.serviceCpuSeconds * 1e6) / visit.requests,
    peakRssMb,
    // Who has to connect again has lost a connection.
    errors: visit.errors + Math.max(0, connections - setting.connections),
    account,
  };
}

const spoolOf = (name: string, { folder }: Setting): string => join(folder, `${name}.spool`);

async function loaded(
  variant: Variant,
  name: string,
  setting: Setting,
): Promise<{ readonly visit: VisitReport; readonly report: ServiceReport }> {
  const { connections, seconds, warmUpSeconds, level, pace, brokers } = setting;
  const kafka = KAFKA_OF[variant];
  if (kafka !== undefined) {
    await createTopic({ brokers: [brokers.there], topic: name }, { partitions: 4 });
  }
  const programs: Program[] = [];
  try {
    const service = await startProgram(
      'service',
      [
        `--users=${connections}`,
        ...(kafka === undefined ? [] : [`--spool=${spoolOf(name, setting)}`]),
      ],
      kafka && {
        LEDGERLINE_KAFKA_BROKERS: brokers[kafka],
        LEDGERLINE_KAFKA_TOPIC: name,
        AUDIT_TRAIL_LEVEL: level,
        AUDIT_TRAIL_ASYNC: String(variant !== 'sync'),
      },
    );
    programs.push(service);
    const { url } = await service.line<{ url: string }>(START_TIMEOUT_MS);
    const visitors = await startProgram('visitors', [
      `--url=${url}`,
      `--pid=${service.pid}`,
      `--connections=${connections}`,
      `--warm-up-ms=${warmUpSeconds * 1000}`,
      `--seconds=${seconds}`,
      `--pace=${pace}`,
    ]);
    programs.push(visitors);
    const visit = await visitors.line<VisitReport>(
      (warmUpSeconds + seconds) * 1000 + VISIT_SLACK_MS,
    );
    service.kill('SIGTERM');
    return { visit, report: await service.line<ServiceReport>(CLOSE_TIMEOUT_MS) };
  } finally {
    for (const program of programs.toReversed()) await program.stop();
  }
}

/** What the next start of the service does first, with Kafka there again. */
async function sendLeft(name: string, setting: Setting, spooled: number): Promise<void> {
  const ledger = createLedger({
    service: 'gateway',
    catalog: [gateway, authorization],
    kafka: { brokers: [setting.brokers.there] },
    topic: name,
    spool: { directory: spoolOf(name, setting) },
    reportIntervalMs: false,
    logger: SILENT,
  });
  const { complete } = await ledger.close({ timeoutMs: RECOVERY_TIMEOUT_MS });
  const { taken, stored } = ledger.stats().recovered;
  if (!complete || taken !== spooled || stored !== spooled) {
    throw new Error(`${name}: of ${spooled} events on disk ${taken} came back, ${stored} arrived`);
  }
}
