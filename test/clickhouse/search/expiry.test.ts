/** When a question need not say that expired rows are left out: they lie outside the time that it reads. */
import { describe, expect, it } from 'vitest';
import { whereSql, type Asked } from '../../../clickhouse/search/ask.ts';
import { Parameters } from '../../../clickhouse/search/compile.ts';
import { parseQuery } from '../../../clickhouse/search/parse.ts';
import { resolve } from '../../../clickhouse/search/resolve.ts';

const nowMs = Date.parse('2026-11-23T10:30:00Z');
const DAY = 86_400_000_000;

function where(query: string, classes: Readonly<Record<string, number>>, from?: number): string {
  const asked: Asked = {
    condition: resolve(parseQuery(query), { nowMs, timeZone: 'UTC' }),
    tenants: ['acme'],
    nowMs,
    timeZone: 'UTC',
    classes,
    expiredBefore: {},
    held: false,
  };
  return whereSql(asked, new Parameters(), from);
}

describe('R-RET-01: what has expired is left out', () => {
  it.each([
    ['of all time', '', { standard: 90 }],
    ['of more days than the shortest class keeps', 'since:8d', { standard: 90, brief: 7 }],
    ['of exactly as many', 'since:90d', { standard: 90, protected: 400 }],
    ['where one branch reaches further back', 'since:1d OR actor:u', { standard: 90 }],
    ['where the days of unknown classes are unknown', 'since:1d', { protected: 400 }],
  ])('by the statement, %s', (_, query, classes) => {
    expect(where(query, classes)).toContain('retention_class');
  });

  it.each([
    ['of fewer days than any class keeps', 'since:6d', { standard: 90, brief: 7 }],
    ['in every branch', '(since:1d actor:u) OR since:2d', { standard: 90 }],
  ])('by the time that is read, %s', (_, query, classes) => {
    expect(where(query, classes)).not.toContain('retention_class');
  });

  it('by the stretch that is read, whatever the query says', () => {
    const classes = { standard: 90 };
    expect(where('', classes, nowMs * 1000 - 89 * DAY)).not.toContain('retention_class');
    expect(where('', classes, nowMs * 1000 - 90 * DAY)).toContain('retention_class');
    expect(where('since:100d', classes, nowMs * 1000 - DAY)).not.toContain('retention_class');
  });
});
