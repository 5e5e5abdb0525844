/** What a detector found, as people and programs read it. Pure. */
import { uuidv5 } from '../../schemas/index.ts';
import type { Detector, FindingRow } from './detector.ts';

/** Never changes: the same finding has the same id in every run. */
const NAMESPACE = '5d8c9f0e-6a55-4c0b-9c3e-0f1f3f6f2a41';

export interface Finding {
  /** UUIDv5 of detector, tenant, subject, window and key: the same whenever it is found again. */
  readonly id: string;
  readonly detector: string;
  readonly title: string;
  /** Empty: the whole ledger's. */
  readonly tenant: string;
  readonly subject: { readonly type: string; readonly id: string };
  /** The window in which it happened; ISO 8601, `until` not in it. */
  readonly since: string;
  readonly until: string;
  /** What was seen, and why that is unusual. Holds text from events: not safe for a terminal. */
  readonly what: string;
  readonly why: string;
  readonly observed: number;
  readonly expected: number;
  /** 1 is just enough, in multiples of the threshold. */
  readonly score: number;
  /** For `ledgerline search`: shows the events. */
  readonly query: string;
  /** The same without addresses: what is kept of it longer than the events. */
  readonly lastingQuery: string;
  /** The first of the events that the query shows. */
  readonly eventIds: readonly string[];
}

export function findingOf(
  detector: Pick<Detector, 'name' | 'title' | 'words'>,
  row: FindingRow,
): Omit<Finding, 'eventIds'> {
  const { tenant, subject_type: type, subject_id: id, start, until, key } = row;
  const identity = [detector.name, tenant, type, id, String(start), key];
  const since = isoSeconds(start);
  const end = isoSeconds(until);
  const times = [`since:${since}`, `until:${end}`];
  return {
    id: uuidv5(NAMESPACE, JSON.stringify(identity)),
    detector: detector.name,
    title: detector.title,
    tenant,
    subject: { type, id },
    since,
    until: end,
    what: inWords(detector.words.what, row),
    why: inWords(detector.words.why, row),
    observed: row.observed,
    expected: row.expected,
    score: row.score,
    query: [...searchTerms(row.search), ...times].join(' '),
    lastingQuery: [...searchTerms(row.search.filter(([field]) => field !== 'ip')), ...times].join(
      ' ',
    ),
  };
}

const isoSeconds = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Words with the columns they name. */
function inWords(words: string, row: FindingRow): string {
  return words.replace(/\{(\w+)\}/g, (_, column: string) => {
    const value = row[column];
    if (typeof value === 'number') return value.toLocaleString('en-US');
    return typeof value === 'string' ? value : '?';
  });
}

/** Fields with their values as the language of `search` has them; values of one field stand together. */
function searchTerms(terms: FindingRow['search']): string[] {
  const values = new Map<string, string[]>();
  for (const [field, value] of terms) {
    values.set(field, [...(values.get(field) ?? []), quotedValue(value)]);
  }
  return [...values].map(([field, of]) => `${field}:${of.join(',')}`);
}

/** Within quotes a backslash takes the next character as it is (docs/search.md). */
const quotedValue = (value: string): string =>
  /^[\w./:-]+$/.test(value) && !/^[<>=-]/.test(value) && !value.includes('..')
    ? value
    : `"${value.replace(/[\\"]/g, '\\$&')}"`;
