import {
  applyRetention,
  readRetentionState,
  setCleanup,
} from '../../clickhouse/retention/retention.ts';
import { previewRetention, retentionStatus } from '../../clickhouse/retention/status.ts';
import { sweep } from '../../clickhouse/retention/sweep.ts';
import { syncHolds } from '../../clickhouse/holds/place.ts';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { sayWaiting } from '../holds/waiting.ts';
import { interruptible } from '../interrupt.ts';
import { checkOutputFile } from '../output-file.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { classesOf } from '../retention/days.ts';
import { previewLines, statusLines, sweepLines } from '../retention/report.ts';
import { sweepProgress } from '../retention/progress.ts';
import { SweepTally } from '../retention/tally.ts';
import { goOnWithoutReader, print, say } from '../terminal.ts';
import { writeAtOnce } from '../write-at-once.ts';

export interface SetOptions {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly reason?: string;
  readonly actor?: string;
  readonly json?: true;
}

export interface SweepCommandOptions {
  readonly dryRun?: boolean;
  readonly purge?: boolean;
  readonly metrics?: string;
  readonly json?: boolean;
}

export interface CleanupOptions {
  readonly reason?: string;
  readonly actor?: string;
  readonly json?: true;
}

export async function runStatus({ json }: { readonly json?: true }): Promise<void> {
  const environment = readEnvironment(process.env);
  const status = await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    return retentionStatus(clickhouse);
  });
  if (json) print(JSON.stringify(status));
  else for (const line of statusLines(status)) print(line);
}

export async function runSet(given: string[], options: SetOptions): Promise<void> {
  goOnWithoutReader();
  const wanted = classesOf(given);
  const environment = readEnvironment(process.env);
  process.exitCode = await withClickHouse(environment, (clickhouse) =>
    change(environment, clickhouse, wanted, options),
  );
}

export async function runSweep(options: SweepCommandOptions): Promise<void> {
  goOnWithoutReader();
  const environment = readEnvironment(process.env);
  process.exitCode = await withClickHouse(environment, (clickhouse) =>
    remove(environment, clickhouse, options),
  );
}

export async function runCleanup(
  enabled: boolean,
  { reason, actor, json }: CleanupOptions,
): Promise<void> {
  goOnWithoutReader();
  const environment = readEnvironment(process.env);
  const changed = await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const before = await readRetentionState(clickhouse);
    if (before.cleanup === enabled) return false;
    await using record = await OperatorRecord.open(environment);
    await setCleanup(clickhouse, enabled);
    const after = await readRetentionState(clickhouse);
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
    print(enabled ? 'events expire again' : 'nothing expires until `ledgerline retention resume`');
}

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

async function remove(
  environment: Environment,
  clickhouse: ClickHouse,
  { dryRun = false, purge = false, metrics, json }: SweepCommandOptions,
): Promise<ExitCode> {
  if (metrics !== undefined) await checkOutputFile('--metrics', metrics);
  await clickhouse.ping(CONTACT_DEADLINE_MS);
  const { enabled, batchSize } = environment.cleanup;
  const removes = !dryRun && enabled !== false;
  await using record = removes ? await OperatorRecord.open(environment) : undefined;
  using interruption = interruptible();
  const { signal } = interruption;
  const progress = sweepProgress();
  const tally = new SweepTally();
  // The table's own expiry goes on all the same: what has come under holds is taken up before it.
  if (!dryRun && !removes) await syncHolds(clickhouse, { signal, onWait: sayWaiting });
  const result = await sweep(clickhouse, {
    batchSize,
    dryRun: !removes,
    purge,
    signal,
    onWait: sayWaiting,
    onStep: (done) => {
      tally.step(done);
      progress.step(done);
    },
  })
    .finally(() => progress.stop())
    .catch(async (error: unknown) => {
      // What went before it failed is gone for good, and on record.
      if (tally.removedRows > 0) await record?.add(tally.act(signal.aborted, error));
      throw error;
    });
  if (record && tally.removedRows > 0) await record.add(tally.act(result.interrupted));
  const told = { ...result, dryRun, cleanup: result.cleanup && enabled !== false };
  if (json) print(JSON.stringify(told));
  else for (const line of sweepLines(told)) print(line);
  // Last: what was removed is told also where there is no room for the figures.
  if (metrics !== undefined) {
    const { metricsText } = await import('../retention/metrics.ts');
    await writeAtOnce(metrics, await metricsText(result));
  }
  return result.interrupted ? EXIT.interrupted : EXIT.fine;
}
