import { chmodSync, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { progress } from '../stack.ts';
import { sourceRows, type Span } from '../table/source.ts';
import { timed, type Times, timesOf } from './measure.ts';
import { QUESTIONS } from './questions.ts';
import type { Sample } from './samples.ts';

/** The table that applications usually have: columns for what is asked, jsonb for the rest. */
const TABLE = `CREATE TABLE audit_log (
  id uuid PRIMARY KEY, occurred_at timestamptz NOT NULL, tenant_id text NOT NULL, category text NOT NULL,
  event_type text NOT NULL, operation text NOT NULL, outcome text NOT NULL, severity text NOT NULL,
  actor_type text NOT NULL, actor_id text NOT NULL, actor_name text NOT NULL,
  target_type text NOT NULL, target_id text NOT NULL, target_name text NOT NULL, related jsonb NOT NULL,
  source_ip inet, service text NOT NULL, trace_id uuid NOT NULL, correlation_id text NOT NULL, reason text NOT NULL,
  message text NOT NULL, error_code text NOT NULL, error_message text NOT NULL, changes jsonb NOT NULL, data jsonb NOT NULL,
  execution text NOT NULL, attributes jsonb NOT NULL)`;
const INDEXES = [
  'CREATE INDEX ON audit_log (tenant_id, occurred_at DESC, id DESC)',
  'CREATE INDEX ON audit_log (tenant_id, target_type, target_id, occurred_at DESC)',
  'CREATE INDEX ON audit_log (tenant_id, actor_type, actor_id, occurred_at DESC)',
  'CREATE INDEX ON audit_log (correlation_id)',
  'CREATE INDEX ON audit_log USING gin (related jsonb_path_ops)',
];
const COLUMNS = `event_id, occurred_at, tenant_id, category, event_type, operation, outcome, severity, actor_type, actor_id,
  actor_name, target_type, target_id, target_name, toJSONString(related), replaceOne(toString(source_ip), '::ffff:', ''), service, trace_id,
  correlation_id, reason, message, error_code, error_message, toJSONString(changes), data, execution, toJSONString(attributes)`;
/** What an administrator would set on a machine of 8 GB and more. */
const SETTINGS = {
  shared_buffers: '1GB',
  effective_cache_size: '3GB',
  work_mem: '64MB',
  maintenance_work_mem: '512MB',
  random_page_cost: '1.1',
  max_wal_size: '4GB',
};
const CHUNK_ROWS = 250_000;

export interface PostgresFigures {
  readonly rows: number;
  readonly version: string;
  readonly bytesOnDisk: number;
  readonly bytesPerEvent: number;
  readonly loadSeconds: number;
  readonly questions: Readonly<Record<string, Times>>;
}

/** The same rows' makers, the same questions, on a server of this run's own. */
export async function measurePostgres(
  clickhouse: ClickHouse,
  rows: number,
  span: Span,
  rounds: number,
): Promise<PostgresFigures> {
  progress('PostgreSQL …');
  const server = await startPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-bench-csv-'));
  chmodSync(folder, 0o755);
  try {
    const url = await server.database();
    await configure(url);
    // Some settings need a start of the server; there is nothing in it to lose yet.
    await server.crash();
    await server.start();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const began = performance.now();
      await client.query(TABLE);
      await load(clickhouse, client, folder, rows, span);
      for (const index of INDEXES) await client.query(index);
      await client.query('VACUUM (ANALYZE) audit_log');
      const loadSeconds = Math.round((performance.now() - began) / 1000);
      const samples = await samplesOf(client);
      const questions: Record<string, Times> = {};
      for (const question of QUESTIONS) {
        progress(`PostgreSQL: ${question.name}`);
        const ms: number[] = [];
        for (let round = -1; round < rounds; round += 1) {
          for (const sample of samples) {
            const { sql, values } = question.postgres(sample);
            const took = await timed(() => client.query(sql, [...values]));
            if (round >= 0) ms.push(took);
          }
        }
        questions[question.figure] = timesOf(ms);
      }
      const [size] = (
        await client.query<{ bytes: string; version: string }>(
          "SELECT pg_total_relation_size('audit_log') AS bytes, current_setting('server_version') AS version",
        )
      ).rows;
      const bytesOnDisk = Number(size?.bytes);
      return {
        rows,
        version: size?.version ?? 'unknown',
        bytesOnDisk,
        bytesPerEvent: Math.round(bytesOnDisk / rows),
        loadSeconds,
        questions,
      };
    } finally {
      await client.end();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  }
}

async function configure(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const [name, value] of Object.entries(SETTINGS)) {
      await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    }
  } finally {
    await client.end();
  }
}

/** Through files, which the server reads itself: one chunk at a time on the disk. */
async function load(
  clickhouse: ClickHouse,
  client: pg.Client,
  folder: string,
  rows: number,
  span: Span,
): Promise<void> {
  const file = join(folder, 'rows.csv');
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const to = Math.min(rows, from + CHUNK_ROWS);
    const csv = await clickhouse.stream(
      `SELECT ${COLUMNS} FROM (${sourceRows(from, to, rows, span)})`,
      { format: 'CSV', timeoutMs: 600_000 },
    );
    await pipeline(csv, createWriteStream(file, { mode: 0o644 }));
    await client.query(`COPY audit_log FROM '${file}' WITH (FORMAT csv)`);
    rmSync(file);
    progress(`PostgreSQL: ${to} of ${rows} rows`);
  }
}

/** As many, and chosen as the ledger's are: some events. */
async function samplesOf(client: pg.Client): Promise<Sample[]> {
  const { rows } = await client.query<Sample>(
    `SELECT id AS "eventId", tenant_id AS tenant, actor_type AS "actorType", actor_id AS "actorId",
       target_type AS "targetType", target_id AS "targetId", to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
       'OPS-' || (1000 + abs(hashtext(id::text)) % 8000) AS word
     FROM audit_log ORDER BY md5(id::text) LIMIT 20`,
  );
  return rows;
}
