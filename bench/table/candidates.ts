import { readFileSync } from 'node:fs';

/** A way to lay the ledger out; everything not said is as the migration has it. */
export interface Candidate {
  readonly name: string;
  readonly orderBy?: string;
  readonly partitionBy?: string;
  /** Codec per column; replaces the migration's. */
  readonly codecs?: Readonly<Record<string, string>>;
  readonly types?: Readonly<Record<string, string>>;
  /** INDEX, PROJECTION and CONSTRAINT clauses; replace the migration's. */
  readonly parts?: readonly string[];
  readonly settings?: string;
  /** Columns left out. */
  readonly without?: readonly string[];
}

interface Layout {
  readonly columns: readonly { readonly name: string; readonly rest: string }[];
  readonly parts: readonly string[];
  readonly partitionBy: string;
  readonly orderBy: string;
  readonly settings: string;
}

const root = [new URL('../../', import.meta.url), new URL('../../../', import.meta.url)];

/** The ledger's own CREATE TABLE, taken apart. */
export function migratedLayout(): Layout {
  const sql = readMigration();
  const create = /CREATE TABLE IF NOT EXISTS audit_events\s*\(([\s\S]*?)\n\)\n([\s\S]*?);\n/.exec(
    sql,
  );
  if (!create) throw new Error('audit_events not found in the first migration');
  const lines = create[1]!.split('\n').map((line) => line.replace(/--.*$/, '').trim());
  const clauses = lines.filter((line) => line !== '').map((line) => line.replace(/,$/, ''));
  const isPart = (clause: string): boolean => /^(INDEX|PROJECTION|CONSTRAINT)\b/.test(clause);
  const tail = create[2]!;
  const after = (keyword: string): string =>
    new RegExp(`^${keyword} (.*)$`, 'm').exec(tail)?.[1] ?? '';
  return {
    columns: clauses
      .filter((clause) => !isPart(clause))
      .map((clause) => /^(\w+)\s+(.*)$/.exec(clause)!)
      .map((found) => ({ name: found[1]!, rest: found[2]! })),
    parts: clauses.filter(isPart),
    partitionBy: after('PARTITION BY'),
    orderBy: after('ORDER BY'),
    settings: after('SETTINGS'),
  };
}

function readMigration(): string {
  for (const folder of root) {
    try {
      return readFileSync(new URL('clickhouse/migrations/0001_ledger.sql', folder), 'utf8');
    } catch {
      continue;
    }
  }
  throw new Error('clickhouse/migrations/0001_ledger.sql not found');
}

/** CREATE TABLE for a candidate, without the TTL: the bench's rows are older than their class. */
export function createTable(table: string, candidate: Candidate): string {
  const layout = migratedLayout();
  const columns = layout.columns
    .filter(({ name }) => !candidate.without?.includes(name))
    .map(({ name, rest }) => {
      const codec = candidate.codecs?.[name];
      const type = candidate.types?.[name];
      const kept = candidate.codecs === undefined ? rest : rest.replace(/\s*CODEC\(.*\)\s*$/, '');
      return `${name} ${type ?? kept}${codec === undefined ? '' : ` CODEC(${codec})`}`;
    });
  const parts = (candidate.parts ?? layout.parts).filter((part) => !part.includes('not_expired'));
  return `CREATE TABLE ${table} (${[...columns, ...parts].join(',\n')})
ENGINE = MergeTree
PARTITION BY ${candidate.partitionBy ?? layout.partitionBy}
ORDER BY ${candidate.orderBy ?? layout.orderBy}
SETTINGS ${candidate.settings ?? layout.settings}`;
}

const week = '(retention_class, toMonday(occurred_at))';
const byTarget = '(tenant_id, toStartOfDay(occurred_at), target_type, target_id, occurred_at)';

/** The layouts that were still in question after the first rounds, and the one that was chosen. */
export const FINALISTS: readonly Candidate[] = [
  { name: 'as migrated' },
  { name: 'weeks', partitionBy: week },
  { name: 'day and target', orderBy: byTarget },
  { name: 'target first', orderBy: '(tenant_id, target_type, target_id, occurred_at)' },
  { name: 'no indexes', parts: [] },
];
