import Table from 'cli-table3';
import type { PartitionReport, VerifyReport } from '../../consumers/index.ts';
import { answerColours, count, counted } from '../terminal.ts';

const HEAD = ['partition', 'stored', 'doubled', 'quarantined', 'missing', 'not yet consumed'];

/** What verify found, partition by partition, for people. */
export function reportTable(report: VerifyReport): string {
  const table = new Table({
    head: HEAD.map((name) => answerColours.bold(name)),
    colAligns: HEAD.map(() => 'right' as const),
    style: { head: [], border: [], compact: true },
  });
  for (const one of report.partitions) table.push(cells(String(one.partition), one));
  if (report.partitions.length > 1) table.push(cells('all', report.totals));
  return table.toString();
}

type Counts = Pick<
  PartitionReport,
  'stored' | 'doubled' | 'quarantined' | 'missing' | 'notConsumed'
>;

const cells = (name: string, counts: Counts): string[] => [
  name,
  count(counts.stored),
  alarming(counts.doubled),
  count(counts.quarantined),
  alarming(counts.missing),
  count(counts.notConsumed),
];

const alarming = (value: number): string => (value === 0 ? '0' : answerColours.red(count(value)));

/** Which offsets are at fault, a line for each partition that has any. */
export function faultLines({ partitions }: VerifyReport): string[] {
  return partitions.flatMap(({ partition, missingRanges, doubledRanges }) => [
    ...(missingRanges.length === 0
      ? []
      : [`partition ${partition} misses the offsets ${rangesText(missingRanges)}`]),
    ...(doubledRanges.length === 0
      ? []
      : [`partition ${partition} has more than once the offsets ${rangesText(doubledRanges)}`]),
  ]);
}

const rangesText = (ranges: PartitionReport['missingRanges']): string =>
  ranges.map(({ first, last }) => (first === last ? String(first) : `${first}–${last}`)).join(', ');

/** The last line: whether the ledger and the broker agree. */
export function verdict({ topic, sound, totals }: VerifyReport): string {
  const { stored, quarantined, missing, doubled, notConsumed } = totals;
  if (!sound) {
    return answerColours.red(
      `NOT SOUND: of ${topic}, ${counted(missing, 'offset')} missing and ${counted(doubled, 'row')} doubled`,
    );
  }
  const rest = notConsumed === 0 ? '' : `; ${count(notConsumed)} not yet consumed`;
  return answerColours.green(
    `sound: every consumed offset of ${topic} is there once (${count(stored)} stored, ${count(quarantined)} quarantined${rest})`,
  );
}
