import { migrate, type MigrationStep, plannedMigrations } from '../../clickhouse/migrate.ts';
import { loadRetention } from '../../clickhouse/retention/file.ts';
import {
  applyRetention,
  readRetentionState,
  setCleanup,
} from '../../clickhouse/retention/retention.ts';
import type { ClickHouse, RetentionClasses, RetentionState } from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { OperatorRecord } from '../operator-record.ts';
import { goOnWithoutReader, print } from '../terminal.ts';

export async function runMigrate({
  json,
  dryRun,
}: {
  readonly json?: true;
  readonly dryRun?: true;
}): Promise<void> {
  const environment = readEnvironment(process.env);
  const wanted = await loadRetention(environment.retention);
  if (dryRun) {
    const planned = await withClickHouse(environment, (clickhouse) => plan(clickhouse, wanted));
    print(json ? JSON.stringify(planned) : asSql(planned));
    return;
  }
  goOnWithoutReader();
  const done = await withClickHouse(environment, (clickhouse) =>
    bring(environment, clickhouse, wanted),
  );
  if (json) print(JSON.stringify(done));
  else for (const line of told(done)) print(line);
}

interface Migrated {
  readonly database: string;
  /** The migrations that this run applied. */
  readonly applied: readonly string[];
  /** Days by retention class, as the table has them now. */
  readonly retention: RetentionClasses;
  readonly retentionChanged: boolean;
  /** Whether what has expired is removed. */
  readonly cleanup: boolean;
}

async function bring(
  environment: Environment,
  clickhouse: ClickHouse,
  wanted: RetentionClasses,
): Promise<Migrated> {
  await clickhouse.ping(CONTACT_DEADLINE_MS);
  const applied = await migrate(clickhouse);
  const before = await readRetentionState(clickhouse);
  const { enabled = before.cleanup } = environment.cleanup;
  const differs =
    enabled !== before.cleanup ||
    Object.entries(wanted).some(([name, days]) => before.classes[name] !== days);
  // A new table's first days are no change of anybody's trail, and there may be no Kafka yet.
  const isNew = applied.some((name) => name.startsWith('0001'));
  await using record = differs && !isNew ? await OperatorRecord.open(environment) : undefined;
  if (differs) {
    await applyRetention(clickhouse, wanted);
    await setCleanup(clickhouse, enabled);
  }
  const after: RetentionState = await readRetentionState(clickhouse);
  await record?.add({ type: 'ledger.retention.changed', data: { before, after } });
  return {
    database: clickhouse.database,
    applied,
    retention: after.classes,
    retentionChanged: differs,
    cleanup: after.cleanup,
  };
}

interface Planned {
  readonly database: string;
  readonly cluster: string | null;
  /** In order; empty when the database is up to date. */
  readonly steps: readonly MigrationStep[];
}

async function plan(clickhouse: ClickHouse, wanted: RetentionClasses): Promise<Planned> {
  await clickhouse.ping(CONTACT_DEADLINE_MS);
  const steps = await plannedMigrations(clickhouse, { retention: wanted });
  return { database: clickhouse.database, cluster: clickhouse.cluster ?? null, steps };
}

/** To be read, or run by hand: each statement ends with a semicolon, comments say where it is from. */
function asSql({ database, cluster, steps }: Planned): string {
  const place = cluster === null ? database : `${database} on the cluster ${cluster}`;
  if (steps.length === 0) return `-- ${place} is up to date: nothing would run`;
  return [
    `-- what \`ledgerline migrate\` would run on ${place}`,
    ...steps.map(({ name, statements }) => `-- ${name}\n${statements.join(';\n\n')};`),
  ].join('\n\n');
}

function told({ database, applied, retention, retentionChanged, cleanup }: Migrated): string[] {
  const days = Object.entries(retention).map(([name, count]) => `${name} ${count} days`);
  return [
    ...applied.map((name) => `applied ${name} to ${database}`),
    ...(applied.length === 0 ? [`${database} is up to date`] : []),
    `retention${retentionChanged ? ' is now' : ''}: ${days.join(', ')}`,
    ...(cleanup ? [] : ['expiry is stopped: nothing is removed']),
  ];
}
