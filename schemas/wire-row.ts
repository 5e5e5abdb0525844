import { z } from 'zod';
import { PRODUCER_COLUMNS, type ProducerColumn } from './columns.ts';

type Required = Extract<ProducerColumn, { required: true }>;
type Optional = Extract<ProducerColumn, { required: false }>;

/** One message's JSON object: the producer's columns. Derived from the table of columns. */
export type WireRow = { [C in Required as C['name']]: z.output<C['wire']> } & {
  [C in Optional as C['name']]?: z.output<C['wire']> | undefined;
};

const shape = Object.fromEntries(
  PRODUCER_COLUMNS.map((column) => [
    column.name,
    column.required ? column.wire : column.wire.optional(),
  ]),
);

/**
 * A wire row, strictly: a missing or malformed column is an issue, and so is a key that is no
 * column (code `unrecognized_keys`, by which a newer SDK's row is told from a broken one).
 */
export const wireRowSchema = z.strictObject(shape) as unknown as z.ZodType<WireRow>;
