import { Command } from 'commander';
import type { ExplainOptions, LintOptions, ReplayOptions } from '../actions/policy.ts';
import { seconds } from '../seconds.ts';
import { tenantId } from '../tenant.ts';

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
      const { runLint } = await import('../actions/policy.ts');
      await runLint(file, options);
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
    .option('--tenant <id>', 'whose event it is, where it does not say', tenantId, 'default')
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
      const { runExplain } = await import('../actions/policy.ts');
      await runExplain(file, options);
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
      const { runReplay } = await import('../actions/policy.ts');
      await runReplay(file, options);
    });
