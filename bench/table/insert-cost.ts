import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable, migratedLayout } from './candidates.ts';
import type { Candidate } from './candidates.ts';
import { cpuSeconds } from './engine.ts';
import type { Engine } from './engine.ts';
import { BLOCK_ROWS, sourceRows } from './source.ts';

const BLOCKS = 1;
/** The source's clock runs over 90 days of this many rows; all blocks lie in its first weeks. */
const TOTAL = 4_000_000;
const LEASE = '"lease":4000000000';

/** As the worker pins them: one synchronous block per insert, nothing unknown let through. */
const SETTINGS = `async_insert = 0, input_format_parallel_parsing = 0, max_insert_threads = 1,
  max_insert_block_size = 1048576, min_insert_block_size_rows = 1048576,
  min_insert_block_size_bytes = 268435456, input_format_skip_unknown_fields = 0,
  input_format_json_ignore_unknown_keys_in_named_tuple = 0, date_time_input_format = 'best_effort'`;

interface Variant extends Candidate {
  /** Which rows of the insert say the lease. Default: all. */
  readonly lease?: 'all' | 'ends' | 'none';
  readonly codec?: string;
}

const { parts, columns: layout } = migratedLayout();
const columns = layout
  .map(({ name }) => name)
  .filter((name) => !/^(ingested_at|lease)$/.test(name));
const keep = (wanted: RegExp): string[] => parts.filter((part) => wanted.test(part));
const drop = (unwanted: RegExp): string[] => parts.filter((part) => !unwanted.test(part));
const without = (...names: string[]): Variant => ({
  name: `without ${names.join(', ')}`,
  without: names,
  parts: drop(new RegExp(`\\b(${names.join('|')})\\b`)),
});
const asString = Object.fromEntries(
  ['actor_id', 'actor_name', 'target_id', 'target_name'].map((name) => [
    name,
    'String CODEC(ZSTD(1))',
  ]),
);

const VARIANTS: readonly Variant[] = [
  { name: 'as migrated' },
  { name: 'lease in the first and last row only', lease: 'ends' },
  { name: 'lease in no row', lease: 'none' },
  { name: 'no constraints', parts: drop(/^CONSTRAINT/) },
  { name: 'no indexes, no projection', parts: keep(/^CONSTRAINT/) },
  { name: 'no bloom filters', parts: drop(/bloom_filter/) },
  { name: 'no minmax indexes', parts: drop(/minmax/) },
  { name: 'no projection', parts: drop(/^PROJECTION/) },
  { name: 'ids and names as String', types: asString },
  { name: 'LZ4', codec: 'LZ4' },
  { name: 'ZSTD(3)', codec: 'ZSTD(3)' },
  { name: 'weeks', partitionBy: '(retention_class, toMonday(occurred_at))' },
  { name: 'no deduplication window', settings: 'ttl_only_drop_parts = 1' },
  without('attributes'),
  without('related'),
  without('changes'),
  without('data', 'execution'),
  without('correlation_id'),
  without('trace_id'),
  without('producer_id', 'producer_seq'),
  without('actor_name', 'target_name'),
  without('reason', 'error_code', 'error_message'),
  without('message'),
  without('policy_level', 'policy_rule'),
  without('wire_version', 'event_version', 'severity'),
  without('kafka_topic', 'kafka_timestamp'),
];

export interface InsertCost {
  readonly variant: string;
  /** The least of the rounds: on a shared machine the others measure the neighbours. */
  readonly cpuSecondsPerMillion: number;
}

/** What an insert of JSON lines costs the engine, parsing to part, per variant of the table. */
export async function measureInsertCost(engine: Engine, rounds: number): Promise<InsertCost[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-bench-insert-'));
  const least = new Map<string, number>();
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const variant of VARIANTS) {
        const cost = await costOf(engine, variant, folder);
        process.stderr.write(`round ${round + 1}: ${cost.toFixed(2)} ${variant.name}\n`);
        least.set(variant.name, Math.min(cost, least.get(variant.name) ?? Infinity));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [...least].map(([variant, cost]) => ({
    variant,
    cpuSecondsPerMillion: Math.round(cost * 100) / 100,
  }));
}

async function costOf(engine: Engine, variant: Variant, folder: string): Promise<number> {
  const table = 'bench.inserted';
  const names = columns.filter((name) => !variant.without?.includes(name));
  const ddl = createTable(table, variant);
  await engine.run(`DROP TABLE IF EXISTS ${table} SYNC`);
  await engine.run(variant.codec ? ddl.replace(/ZSTD\(\d\)/g, variant.codec) : ddl);
  await engine.run(`SYSTEM STOP MERGES ${table}`);
  const files = await writeFiles(engine, names, variant.lease ?? 'all', folder);
  const list = [...names, 'lease'].join(', ');
  const spent = await cpuSeconds(async () => {
    for (const file of files) {
      await engine.run(
        `INSERT INTO ${table} (${list}) FROM INFILE '${file}' SETTINGS ${SETTINGS} FORMAT JSONEachRow`,
      );
    }
  });
  const [stored] = await engine.rows<{ n: number }>(`SELECT count() AS n FROM ${table}`);
  if (Number(stored?.n) !== BLOCKS * BLOCK_ROWS)
    throw new Error(`${variant.name}: rows are missing`);
  return (spent / (BLOCKS * BLOCK_ROWS)) * 1e6;
}

/** JSON lines as producers and worker make them: what is empty is not said. */
async function writeFiles(
  engine: Engine,
  names: readonly string[],
  lease: 'all' | 'ends' | 'none',
  folder: string,
): Promise<string[]> {
  const files: string[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const file = join(folder, `${block}.json`);
    const rows = sourceRows(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS, TOTAL);
    await engine.run(
      `SELECT ${names.join(', ')} FROM (${rows}) INTO OUTFILE '${file}' TRUNCATE FORMAT JSONEachRow
       SETTINGS output_format_json_named_tuples_as_objects = 1, output_format_json_escape_forward_slashes = 0`,
    );
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const said = lines.map((line, i) => {
      const row = line.replace(/"\w+":(?:""|\[\]),/g, '').slice(0, -1);
      const ends = i === 0 || i === lines.length - 1;
      return lease === 'all' || (lease === 'ends' && ends) ? `${row},${LEASE}}` : `${row}}`;
    });
    writeFileSync(file, `${said.join('\n')}\n`);
    files.push(file);
  }
  return files;
}
