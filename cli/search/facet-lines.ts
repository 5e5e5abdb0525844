import type { Facet, Total } from '../../clickhouse/index.ts';
import { safeText } from '../safe-text.ts';
import { count } from '../terminal.ts';
import { lineOf, paint } from './painted.ts';

const BAR = 24;

/** Counts of one field's values, longest bar first. */
export function facetLines({ field, values, other }: Facet, columns?: number): string[] {
  const most = Math.max(1, ...values.map(({ happened }) => happened));
  const width = Math.max(0, ...values.map((value) => amountText(value).length));
  const lines = values.map((value) =>
    lineOf(
      [
        paint(`  ${amountText(value).padStart(width)} `),
        paint(
          '█'.repeat(Math.max(1, Math.round((value.happened / most) * BAR))).padEnd(BAR),
          'cyan',
        ),
        paint(` ${value.value === '' ? '(none)' : safeText(value.value)}`),
      ],
      columns,
    ),
  );
  const rest =
    other.values > 0
      ? [
          lineOf(
            [
              paint(
                `  ${count(other.values)} more values: ${count(Math.round(other.happened))} events`,
                'dim',
              ),
            ],
            columns,
          ),
        ]
      : [];
  return [lineOf([paint(safeText(field), 'bold')]), ...lines, ...rest, ''];
}

/** `1,200`, or for sampled totals `≈ 1,200 ± 80`: twice the standard error. */
export const amountText = ({ happened, standardError }: Total): string =>
  standardError > 0
    ? `≈ ${count(Math.round(happened))} ± ${count(Math.ceil(2 * standardError))}`
    : count(Math.round(happened));
