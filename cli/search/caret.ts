import { safeText } from '../safe-text.ts';

/** So much of a query is shown around its fault. */
const BEFORE = 50;
const AFTER = 26;

/**
 * The query with its fault underlined. Pure.
 *
 * @example
 * caretLines('actr:u_7', { at: 0, length: 4 }); // ['  actr:u_7', '  ^^^^']
 */
export function caretLines(
  query: string,
  { at, length }: { readonly at: number; readonly length: number },
): string[] {
  const start = Math.max(0, at - BEFORE);
  const end = Math.min(query.length, Math.max(at + AFTER, start + BEFORE + AFTER));
  const before = `${start > 0 ? '…' : ''}${safeText(query.slice(start, at))}`;
  const marked = safeText(query.slice(at, Math.min(end, at + length)));
  const behind = `${safeText(query.slice(at + length, end))}${end < query.length ? '…' : ''}`;
  return [
    `  ${before}${marked}${behind}`,
    `  ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`,
  ];
}
