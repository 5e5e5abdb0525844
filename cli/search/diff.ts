import type { Change } from '../../schemas/index.ts';
import { safeText } from '../safe-text.ts';
import { lineOf, paint } from './painted.ts';

const MAX_VALUE = 2000;

/** Changes as people read a diff: the path, then what went and what came. */
export const diffLines = (changes: readonly Change[]): string[] =>
  changes.flatMap(({ op, path, old, new: now }) => [
    lineOf([
      paint(`  ${safeText(path === '' ? '(the whole record)' : path)}`, 'bold'),
      paint(` ${op}`, 'dim'),
    ]),
    ...(old === undefined ? [] : [lineOf([paint(`    - ${valueText(old)}`, 'red')])]),
    ...(now === undefined ? [] : [lineOf([paint(`    + ${valueText(now)}`, 'green')])]),
  ]);

function valueText(value: unknown): string {
  const text = safeText(JSON.stringify(value) ?? '');
  return text.length > MAX_VALUE
    ? `${text.slice(0, MAX_VALUE)}… (${text.length} characters)`
    : text;
}
