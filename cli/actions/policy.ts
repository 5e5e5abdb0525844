import type { ClickHouse } from '../../clickhouse/index.ts';
import { explain, readPolicyFile } from '../../producers/policy/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { catalogOf } from '../policy/catalog-module.ts';
import { explainedEvent } from '../policy/explained-event.ts';
import { explanationLines } from '../policy/explanation.ts';
import { historyFor, pastOf } from '../policy/history.ts';
import { lint, lintLines } from '../policy/lint.ts';
import { periodOf } from '../policy/period.ts';
import { caveatsOf, replayTable, totalOf, type ReplayReport } from '../policy/replay-report.ts';
import { Replay } from '../policy/replay.ts';
import { onRecord } from '../read-record.ts';
import { asideColours, print, say } from '../terminal.ts';

export interface LintOptions extends CatalogOption {
  readonly service?: string;
}

export interface ExplainOptions extends CatalogOption {
  readonly event: string;
  readonly service: string;
  readonly tenant: string;
}

export interface ReplayOptions extends CatalogOption {
  readonly since: string;
  readonly until?: string;
  readonly timeout: number;
}

export async function runLint(file: string, options: LintOptions): Promise<void> {
  process.exitCode = await lintFile(file, options);
}

export async function runExplain(file: string, options: ExplainOptions): Promise<void> {
  await explainEvent(file, options);
}

export async function runReplay(file: string, options: ReplayOptions): Promise<void> {
  await replay(file, options);
}

interface CatalogOption {
  readonly catalog?: string;
  readonly json?: true;
}

async function lintFile(file: string, options: LintOptions): Promise<ExitCode> {
  readEnvironment(process.env);
  const catalog = await catalogOf(options.catalog);
  const report = lint(file, { catalog, service: options.service, nowMs: Date.now() });
  if (options.json) print(JSON.stringify(report));
  else for (const line of lintLines(report)) print(line);
  return report.ok ? EXIT.fine : EXIT.faults;
}

async function explainEvent(file: string, options: ExplainOptions): Promise<void> {
  readEnvironment(process.env);
  const { service, tenant } = options;
  const { policy } = readPolicyFile(file);
  const event = explainedEvent(options.event, await catalogOf(options.catalog), tenant);
  const { facts, outcome } = event;
  const explanation = explain(policy, facts, outcome, { service, nowMs: Date.now() });
  if (options.json) print(JSON.stringify({ type: facts.subject.type, outcome, ...explanation }));
  else for (const line of explanationLines(event, explanation)) print(line);
}

async function replay(file: string, options: ReplayOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const nowMs = Date.now();
  const period = periodOf(options.since, options.until, nowMs);
  const { policy } = readPolicyFile(file);
  const catalog = await catalogOf(options.catalog);
  const timeoutMs = options.timeout * 1000;
  const since = new Date(period.sinceMs).toISOString();
  const until = new Date(period.untilMs).toISOString();
  const look = { query: `since:${since} until:${until}`, language: 'search' } as const;
  const replayed = async (clickhouse: ClickHouse): Promise<ReplayReport> => {
    const past = await pastOf(clickhouse, period, timeoutMs);
    const replaying = new Replay(policy, { catalog, nowMs });
    for await (const alike of historyFor(policy, clickhouse, period, timeoutMs)) {
      replaying.add(alike);
    }
    const categories = replaying.result(past.diskBytesPerRow);
    return {
      since,
      until,
      categories,
      total: totalOf(categories),
      caveats: caveatsOf(policy, past),
    };
  };
  const report = await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    return onRecord(environment, look, () => replayed(clickhouse));
  });
  if (options.json) {
    print(JSON.stringify(report));
    return;
  }
  print(`${report.since} to ${report.until}`);
  print(replayTable(report));
  for (const caveat of report.caveats) say(asideColours.dim(caveat));
}
