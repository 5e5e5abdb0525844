import { expect, test } from 'vitest';
import { isSound, type Figures } from '../../examples/demo/figures.ts';
import { reportLines } from '../../examples/demo/report.ts';

const good: Figures = {
  emitted: 12,
  kept: 7,
  filtered: 5,
  sampledOut: 0,
  rejected: 0,
  stored: 7,
  missing: 0,
  doubled: 0,
  quarantined: 0,
  rowsPerSecond: 7,
  bytesPerEvent: 83,
  categories: {
    gateway: { emitted: 12, kept: 7, filtered: 5, sampledOut: 0, rejected: 0, stored: 7 },
  },
};

const reportOn = (figures: Figures): string =>
  reportLines(
    {
      figures,
      traffic: { sent: 10, succeeded: 8, denied: 1, failed: 1 },
      killed: { pid: 4711, storedBefore: 3, storedAfterMs: 6_500 },
      answers: [
        { asks: 'Who?', sql: 'SELECT {id:String}', params: { id: '1' }, rows: [{ who: 'Ada' }] },
        { asks: 'Whom?', sql: 'SELECT 1', params: {}, rows: [] },
      ],
      level: 'writes_only',
    },
    20_000,
    false,
  ).join('\n');

test('figures that add up are sound, and the report says so', () => {
  expect(isSound(good)).toBe(true);
  const report = reportOn(good);
  expect(report).toContain('Each of the 7 events kept is in the ledger once');
  expect(report).toContain('10.0 times as much');
  expect(report).toMatch(/1\. Who\?\n.*SELECT \{id:String\}\n.*-- id = 1\n {3}who\n {3}Ada/);
  expect(report).toContain('(nobody and nothing)');
});

test.each([
  ['an event is missing', { stored: 6, missing: 1 }],
  ['an event is there twice', { doubled: 1 }],
  ['a lost one hides a doubled one', { missing: 1, doubled: 1 }],
  ['an event is in quarantine', { stored: 6, quarantined: 1 }],
  ['the counters do not add up', { emitted: 13 }],
])('they are not when %s, and the report says so', (_, fault) => {
  const figures = { ...good, ...fault };
  expect(isSound(figures)).toBe(false);
  expect(reportOn(figures)).toContain('NOT');
});
