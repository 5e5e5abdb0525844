/**
 * The SELECT through which a batch reaches the ledger. The engine reads labels as plain text and turns
 * whole columns into LowCardinality, which costs it a third less than value by value; what is the same
 * for every row is said once; and the engine counts the rows before it writes any.
 * docs/decisions/0016-inserting-through-a-select.md has the measurements. Pure.
 */
import { COLUMNS, INSERT_COLUMNS } from '../schemas/columns.ts';
import type { Origin } from './splice.ts';

const text = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;

/** What stands in the statement instead of in every row. A message that brings one of them is refused: 117, and its row. */
const constants = (origin: Origin, leaseSeconds: number): Readonly<Record<string, string>> => ({
  kafka_topic: text(origin.topic),
  kafka_topic_id: `toUUID(${text(origin.topicId)})`,
  kafka_partition: `toUInt32(${origin.partition})`,
  lease: `toUInt32(${leaseSeconds})`,
});

const SAID_ONCE = new Set(Object.keys(constants({ topic: '', topicId: '', partition: 0 }, 0)));

/** Columns and defaults as the table has them, but for labels, which are text until they are all read. */
const STRUCTURE = COLUMNS.filter(
  ({ name }) => INSERT_COLUMNS.includes(name) && !SAID_ONCE.has(name),
)
  .map((column) => {
    const type = column.type.replaceAll('LowCardinality(String)', 'String');
    return `${column.name} ${type}${'default' in column ? ` DEFAULT ${column.default}` : ''}`;
  })
  .join(', ');

/**
 * Error code of an insert whose rows are not as many as were sent: INCORRECT_DATA. A refusal that names
 * no row and that no rule of ours explains stops the worker, with nothing written.
 */
const OTHER_ROWS_THAN_SENT = 117;

/** What {@link ledgerSelect} needs, beside the pinned settings of every insert. */
export const SELECT_SETTINGS = {
  allow_custom_error_code_in_throwif: 1,
  // One block: of the same size as an insert without a SELECT, read and written by one thread.
  max_block_size: 1_048_576,
  max_threads: 1,
  max_insert_threads: 1,
} as const;

/**
 * `SELECT … FROM input(…)` for INSERT_COLUMNS, in their order.
 *
 * An insert is one block (ledger-sink.ts), so the block that `blockSize` sees is the whole of it: should
 * the engine read other rows than the `rows` that were sent, or cut them into several blocks, none of
 * them is written.
 */
export function ledgerSelect(origin: Origin, leaseSeconds: number, rows: number): string {
  const said = constants(origin, leaseSeconds);
  const columns = INSERT_COLUMNS.map((name) => said[name] ?? name).join(', ');
  return `SELECT ${columns} FROM input(${text(STRUCTURE)})
    WHERE throwIf(blockSize() != ${rows}, 'OTHER_ROWS_THAN_SENT', toInt16(${OTHER_ROWS_THAN_SENT})) = 0`;
}
