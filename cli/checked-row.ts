import { type WireRow, wireRowSchema } from '../schemas/index.ts';
import { faultsOf } from './emit/input.ts';
import { keptLonger, mayBeKeptAs } from './emit/protected-trail.ts';

/** A row that the ledger would take, or why it would not. */
export type CheckedRow =
  { readonly ok: true; readonly row: WireRow } | { readonly ok: false; readonly reason: string };

/** Checks a wire row: its columns, and what the table would refuse although each of them is well-formed. */
export function checkedRow(value: unknown): CheckedRow {
  const parsed = wireRowSchema.safeParse(value);
  if (!parsed.success) return { ok: false, reason: faultsOf(parsed.error) };
  const row = parsed.data;
  if (row.wire_version !== 1) return { ok: false, reason: 'wire_version: this version reads 1' };
  if (!mayBeKeptAs(row.category, row.retention_class ?? 'standard')) {
    return { ok: false, reason: `retention_class: ${keptLonger(row.category)}` };
  }
  if (row.weight !== undefined && row.weight < 1) {
    return { ok: false, reason: 'weight: must be at least 1' };
  }
  return { ok: true, row };
}
