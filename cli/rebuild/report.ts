import Table from 'cli-table3';
import type { RebuildTable } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count, size } from '../terminal.ts';

type State = 'copying' | 'reading' | 'fenced' | 'replaced';

/** A table of a rebuild, as `rebuild list` tells of it. */
interface ListedTable {
  readonly table: string;
  readonly state: State;
  readonly rows: number;
  readonly bytes: number;
  /** When the rebuild was begun, or the ledger replaced; ISO 8601. */
  readonly since: string;
  /** The command that goes on with it. */
  readonly next: string;
}

const STATES: Readonly<Record<State, string>> = {
  copying: 'being filled: copies from the ledger',
  reading: 'being filled: reads from Kafka',
  fenced: 'being swapped: the workers wait',
  replaced: 'the ledger until it was replaced',
};

export function listed({ name, rows, bytes, record }: RebuildTable): ListedTable {
  const state = record.kind === 'replaced' ? 'replaced' : record.step;
  return {
    table: name,
    state,
    rows,
    bytes,
    since: record.kind === 'replaced' ? record.at : record.startedAt,
    // Once the tables are exchanged, it is the ledger itself that says which swap is to be ended.
    next: `ledgerline rebuild ${NEXT[state](record.kind === 'rebuild' ? record.table : name)}`,
  };
}

const NEXT: Readonly<Record<State, (table: string) => string>> = {
  copying: (table) => `--into ${table}`,
  reading: (table) => `swap ${table}`,
  fenced: (table) => `swap ${table}`,
  replaced: (table) => `drop ${table} --yes ${table}`,
};

export function tablesTable(tables: readonly ListedTable[]): string {
  const table = new Table({
    head: ['table', 'state', 'rows', 'size', 'since', 'next'].map((name) =>
      answerColours.bold(name),
    ),
    colAligns: ['left', 'left', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { table: name, state, rows, bytes, since, next } of tables) {
    const moment = `${since.slice(0, 16).replace('T', ' ')}Z`;
    table.push([safeText(name), STATES[state], count(rows), size(bytes), moment, next]);
  }
  return table.toString();
}
