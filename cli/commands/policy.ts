import { Command } from 'commander';
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
import { seconds } from '../seconds.ts';
import { asideColours, print, say } from '../terminal.ts';

interface CatalogOption {
  readonly catalog?: string;
  readonly json?: true;
}
interface LintOptions extends CatalogOption {
  readonly service?: string;
}
interface ExplainOptions extends CatalogOption {
  readonly event: string;
  readonly service: string;
  readonly tenant: string;
}
interface ReplayOptions extends CatalogOption {
  readonly since: string;
  readonly until?: string;
  readonly timeout: number;
}

const CATALOG = [
  '--catalog <module>',
  'a JavaScript module that exports your catalog; the built-in ones',
] as const;

export const policyCommand = (): Command =>
  new Command('policy')
    .summary('check, explain and try out what the edge keeps')
    .description('Checks, explains and tries out policies: what a service records, and what not.')
    .addCommand(lintCommand())
    .addCommand(explainCommand())
    .addCommand(replayCommand());

const lintCommand = (): Command =>
  new Command('lint')
    .summary('find the faults of a policy file')
    .description(
      `Finds every fault of a policy file, YAML or JSON, with line and column: what is malformed, rules
that would silence what is protected, rules that can never match, categories and types that the
catalog does not know. The exit code is 1 when a service would refuse it; warnings alone are 0.`,
    )
    .argument('<file>', 'the policy')
    .option(...CATALOG)
    .option('--service <name>', 'leave the rules of other services alone')
    .option('--json', 'print the findings as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline policy lint policy.yaml
  $ ledgerline policy lint policy.yaml --catalog ./dist/catalog.js --service control-panel
  $ ledgerline policy lint policy.yaml --json | jq '.errors[].message'`,
    )
    .action(async (file: string, options: LintOptions) => {
      process.exitCode = await lintFile(file, options);
    });

const explainCommand = (): Command =>
  new Command('explain')
    .summary('say what a policy does with an event, and why')
    .description(
      `Decides on one event as a service would, and shows every step in words: enabled, protected, level,
exclusions, rules, rate limit, sampling. The event is given as emit takes it, with its "type"; of its
other fields only those matter that a policy looks at. Limits are taken to have room.`,
    )
    .argument('<file>', 'the policy')
    .requiredOption('--event <json>', 'the event')
    .option(...CATALOG)
    .option('--service <name>', 'who records it', 'cli')
    .option('--tenant <id>', 'whose event it is, where it does not say', 'default')
    .option('--json', 'print the decision as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline policy explain policy.yaml --event '{"type":"gateway.tool.listed"}'
  $ ledgerline policy explain policy.yaml --event '{"type":"app.deleted","outcome":"denied","actor":{"type":"user","id":"u_7"}}'
  $ ledgerline policy explain policy.yaml --event '{"type":"health_check","correlationId":"req_1"}' --json`,
    )
    .action(async (file: string, options: ExplainOptions) => {
      await explainEvent(file, options);
    });

const replayCommand = (): Command =>
  new Command('replay')
    .summary('say what a policy would have kept of the history')
    .description(
      `Puts the ledger's history of a period through a policy: events, bytes and storage by category, as
they are stored today and as this policy would have kept them. Only reads. What the answer cannot
know stands below it: whatever was never stored.`,
    )
    .argument('<file>', 'the policy')
    .option('--since <time>', 'a date, an instant, or how long ago: 7d, 12h, 30m', '7d')
    .option('--until <time>', 'the same; now')
    .option(...CATALOG)
    .option('--timeout <seconds>', 'deadline of the whole reading', seconds, 300)
    .option('--json', 'print the figures as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline policy replay policy.yaml --since 7d
  $ ledgerline policy replay policy.yaml --since 2026-11-01 --until 2026-11-08
  $ ledgerline policy replay policy.yaml --since 30d --json | jq .total.replayed.events`,
    )
    .action(async (file: string, options: ReplayOptions) => {
      await replay(file, options);
    });

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
  const report = await withClickHouse(environment, async (clickhouse): Promise<ReplayReport> => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const past = await pastOf(clickhouse, period, timeoutMs);
    const replaying = new Replay(policy, { catalog, nowMs });
    for await (const alike of historyFor(policy, clickhouse, period, timeoutMs)) {
      replaying.add(alike);
    }
    const categories = replaying.result(past.diskBytesPerRow);
    return {
      since: new Date(period.sinceMs).toISOString(),
      until: new Date(period.untilMs).toISOString(),
      categories,
      total: totalOf(categories),
      caveats: caveatsOf(policy, past),
    };
  });
  if (options.json) {
    print(JSON.stringify(report));
    return;
  }
  print(`${report.since} to ${report.until}`);
  print(replayTable(report));
  for (const caveat of report.caveats) say(asideColours.dim(caveat));
}
