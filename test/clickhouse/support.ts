import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { migrate, openClickHouse } from '../../clickhouse/index.ts';
import type { ClickHouse, MigrateOptions } from '../../clickhouse/index.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';
import { dropLedger, makeLedger } from '../support/ledger-template.ts';

export interface Ledger {
  readonly clickhouse: ClickHouse;
  /** Inserts rows as the worker does: all columns named, one block, unknown keys refused. */
  insert(rows: readonly Row[], table?: string, columns?: readonly string[]): Promise<number>;
  /** Drops the database. */
  close(): Promise<void>;
}

export type Row = Readonly<Record<string, unknown>>;

export const databaseName = (): string => `test_${randomUUID().replaceAll('-', '')}`;

/** A migrated ledger in a database of its own, dropped when the test is over. */
export async function ledgerForTest(options: MigrateOptions = {}): Promise<Ledger> {
  const ledger = await openLedger(options);
  onTestFinished(() => ledger.close());
  return ledger;
}

/** The same for a whole file, which closes it. */
export async function openLedger(options: MigrateOptions = {}): Promise<Ledger> {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database: databaseName() });
  if (options.migrations === undefined) await makeLedger(clickhouse);
  // What is asked for beyond that, on top of it.
  if (Object.keys(options).length > 0) await migrate(clickhouse, options);
  return {
    clickhouse,
    async insert(rows, table = 'audit_events', columns = INSERT_COLUMNS) {
      const body = rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
      const settings = {
        input_format_skip_unknown_fields: 0,
        date_time_input_format: 'best_effort',
      };
      const result = await clickhouse.insert({
        table,
        columns,
        format: 'JSONEachRow',
        body,
        settings,
      });
      return result.writtenRows;
    },
    async close() {
      await dropLedger(clickhouse);
      await clickhouse.close();
    },
  };
}

let offset = 0;

/** A row that the ledger takes, with what the test says about it. */
export function row(fields: Row = {}): Row {
  offset += 1;
  return {
    wire_version: 1,
    event_id: randomUUID(),
    event_type: 'app.deployed',
    category: 'app',
    occurred_at: daysAgo(0),
    actor_type: 'user',
    actor_id: 'usr_1',
    service: 'panel',
    kafka_topic: 'audit.events',
    kafka_topic_id: '6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d',
    kafka_partition: 0,
    kafka_offset: offset,
    kafka_timestamp: daysAgo(0),
    ...fields,
  };
}

export function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}
