import { Command } from 'commander';
import {
  applyRetention,
  type ClickHouse,
  previewRetention,
  readRetentionState,
  retentionStatus,
  setCleanup,
  sweep,
} from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { classesOf } from '../retention/days.ts';
import { metricsText } from '../retention/metrics.ts';
import { previewLines, statusLines, sweepLines } from '../retention/report.ts';
import { sweepProgress } from '../retention/progress.ts';
import { print, say } from '../terminal.ts';
import { writeAtOnce } from '../write-at-once.ts';

export const retentionCommand = (): Command =>
  new Command('retention')
    .summary('how long events are kept, and removing what has expired')
    .description(
      `How long events are kept is a matter of their retention class; how many days a class has is a matter
of the table. See docs/retention.md.`,
    )
    .addCommand(statusCommand())
    .addCommand(setCommand())
    .addCommand(sweepCommand())
    .addCommand(cleanupCommand('pause', false))
    .addCommand(cleanupCommand('resume', true));

const statusCommand = (): Command =>
  new Command('status')
    .summary('what each class holds, what expires next, and how much storage it tends to')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline retention status')
    .action(async ({ json }: { readonly json?: true }) => {
      const environment = readEnvironment(process.env);
      const status = await withClickHouse(environment, async (clickhouse) => {
        await clickhouse.ping(CONTACT_DEADLINE_MS);
        return retentionStatus(clickhouse);
      });
      if (json) print(JSON.stringify(status));
      else for (const line of statusLines(status)) print(line);
    });

interface SetOptions {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly actor?: string;
  readonly json?: true;
}

const setCommand = (): Command =>
  new Command('set')
    .summary("change classes' days, after a look at what that would expire")
    .description(
      `Changes the days of retention classes, or adds classes. Says first what would expire; where anything
would, asks, or wants --yes where nobody can be asked. The change is recorded in the ledger.`,
    )
    .argument('<class=days...>', 'such as standard=30')
    .option('--dry-run', 'say what would expire, and change nothing')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for the record')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline retention set standard=30 --dry-run
  $ ledgerline retention set standard=30 gateway_reads=7 --reason "data protection review" --yes`,
    )
    .action(async (given: string[], options: SetOptions) => {
      const wanted = classesOf(given);
      const environment = readEnvironment(process.env);
      process.exitCode = await withClickHouse(environment, (clickhouse) =>
        change(environment, clickhouse, wanted, options),
      );
    });

async function change(
  environment: Environment,
  clickhouse: ClickHouse,
  wanted: Readonly<Record<string, number>>,
  options: SetOptions,
): Promise<ExitCode> {
  await clickhouse.ping(CONTACT_DEADLINE_MS);
  const before = await readRetentionState(clickhouse);
  const preview = await previewRetention(clickhouse, wanted);
  if (!options.json) for (const line of previewLines(preview, before)) print(line);
  const changes = preview.length > 0 && !options.dryRun;
  const expires = preview.some(({ expiringRows }) => expiringRows > 0);
  if (changes && expires && !options.yes) {
    if (!(await confirmed('Expire these events? They cannot be had back.'))) {
      say('nothing was changed');
      return EXIT.faults;
    }
  }
  let after = before;
  if (changes) {
    await using record = await OperatorRecord.open(environment);
    await applyRetention(clickhouse, wanted);
    after = await readRetentionState(clickhouse);
    const expiring = Object.fromEntries(
      preview
        .filter(({ expiringRows }) => expiringRows > 0)
        .map((one) => [one.name, one.expiringRows]),
    );
    await record.add({
      type: 'ledger.retention.changed',
      data: { before, after, ...(expires && { expiring }) },
      reason: options.reason,
      actor: options.actor,
    });
  }
  if (options.json) print(JSON.stringify({ changed: changes, before, after, preview }));
  else if (changes) print('changed, and recorded in the ledger');
  else if (options.dryRun && preview.length > 0) print('nothing was changed: --dry-run');
  return EXIT.fine;
}

interface SweepCommandOptions {
  readonly dryRun?: boolean;
  readonly purge?: boolean;
  readonly metrics?: string;
  readonly json?: boolean;
}

const sweepCommand = (): Command =>
  new Command('sweep')
    .summary('remove what has expired, on the day')
    .description(
      `Removes every event whose days are over. The table itself drops whole months only: run this daily.
Reads and inserts go on meanwhile; Ctrl-C stops after the step at hand, and the next sweep goes on.
A step deletes about AUDIT_TRAIL_CLEANUP_BATCH_SIZE rows, as far as whole parts allow (docs/retention.md).`,
    )
    .option('--dry-run', 'say what would go, and remove nothing')
    .option('--purge', 'rewrite the parts, so that deleted rows leave the disk now')
    .option('--metrics <file>', "write the run's figures as Prometheus text, for a node exporter")
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline retention sweep --dry-run
  $ ledgerline retention sweep --metrics /var/lib/node_exporter/ledgerline_sweep.prom`,
    )
    .action(async (options: SweepCommandOptions) => {
      const environment = readEnvironment(process.env);
      process.exitCode = await withClickHouse(environment, (clickhouse) =>
        remove(environment, clickhouse, options),
      );
    });

async function remove(
  environment: Environment,
  clickhouse: ClickHouse,
  { dryRun = false, purge = false, metrics, json }: SweepCommandOptions,
): Promise<ExitCode> {
  await clickhouse.ping(CONTACT_DEADLINE_MS);
  const { enabled, batchSize } = environment.cleanup;
  const removes = !dryRun && enabled !== false;
  await using record = removes ? await OperatorRecord.open(environment) : undefined;
  using interruption = interruptible();
  const progress = sweepProgress();
  const result = await sweep(clickhouse, {
    batchSize,
    dryRun: !removes,
    purge,
    signal: interruption.signal,
    onStep: (done) => progress.step(done),
  }).finally(() => progress.stop());
  if (record && result.removedRows > 0) {
    const { removedRows, droppedParts, durationMs, interrupted } = result;
    const removed = Object.fromEntries(
      result.partitions
        .filter((one) => one.removedRows > 0)
        .map((one) => [`${one.retentionClass}/${one.month.slice(0, 7)}`, one.removedRows]),
    );
    await record.add({
      type: 'ledger.retention.swept',
      data: { removedRows, droppedParts, durationMs, interrupted, removed },
    });
  }
  if (metrics !== undefined) await writeAtOnce(metrics, await metricsText(result));
  const told = { ...result, dryRun, cleanup: result.cleanup && enabled !== false };
  if (json) print(JSON.stringify(told));
  else for (const line of sweepLines(told)) print(line);
  return result.interrupted ? EXIT.interrupted : EXIT.fine;
}

interface CleanupOptions {
  readonly reason?: string;
  readonly actor?: string;
  readonly json?: true;
}

const cleanupCommand = (name: 'pause' | 'resume', enabled: boolean): Command =>
  new Command(name)
    .summary(
      enabled
        ? 'let events expire again, those whose days are over at once'
        : 'stop all expiry, until resumed',
    )
    .option('--reason <text>', 'why, for the record')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  $ ledgerline retention ${name} --reason "lawyers asked"`)
    .action(async ({ reason, actor, json }: CleanupOptions) => {
      const environment = readEnvironment(process.env);
      const changed = await withClickHouse(environment, async (clickhouse) => {
        await clickhouse.ping(CONTACT_DEADLINE_MS);
        const before = await readRetentionState(clickhouse);
        if (before.cleanup === enabled) return false;
        await using record = await OperatorRecord.open(environment);
        await setCleanup(clickhouse, enabled);
        const after = { ...before, cleanup: enabled };
        await record.add({
          type: 'ledger.retention.changed',
          data: { before, after },
          reason,
          actor,
        });
        return true;
      });
      if (json) print(JSON.stringify({ changed, cleanup: enabled }));
      else if (!changed) print(enabled ? 'events expire already' : 'expiry is stopped already');
      else
        print(
          enabled ? 'events expire again' : 'nothing expires until `ledgerline retention resume`',
        );
    });
