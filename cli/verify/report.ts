import Table from 'cli-table3';
import type { PartitionReport, VerifyReport, VerifyTotals } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count, counted } from '../terminal.ts';

/** What verify found, partition by partition, for people. */
export function reportTable(report: VerifyReport): string {
  const columns = COLUMNS.filter(({ always, of }) => always || of(report.totals) > 0);
  const head = ['partition', ...columns.map(({ name }) => name)];
  const table = new Table({
    head: head.map((name) => answerColours.bold(name)),
    colAligns: head.map(() => 'right' as const),
    style: { head: [], border: [], compact: true },
  });
  const cells = (name: string, counts: Counts): string[] => [
    name,
    ...columns.map(({ of, fault }) => (fault ? alarming(of(counts)) : count(of(counts)))),
  ];
  for (const one of report.partitions) {
    const { contents } = one;
    const counts = { ...one, altered: contents?.altered ?? 0, erased: contents?.erased ?? 0 };
    table.push(cells(String(one.partition), counts));
  }
  if (report.partitions.length > 1) table.push(cells('all', report.totals));
  return table.toString();
}

type Counts = VerifyTotals;

/** Those that are not `always` there show up when there is something to tell. */
const COLUMNS: readonly {
  readonly name: string;
  readonly of: (counts: Counts) => number;
  readonly always?: true;
  readonly fault?: true;
}[] = [
  { name: 'stored', of: ({ stored }) => stored, always: true },
  { name: 'doubled', of: ({ doubled }) => doubled, always: true, fault: true },
  { name: 'quarantined', of: ({ quarantined }) => quarantined, always: true },
  { name: 'missing', of: ({ missing }) => missing, always: true, fault: true },
  { name: 'altered', of: ({ altered }) => altered, fault: true },
  { name: 'erased', of: ({ erased }) => erased },
  { name: 'expired', of: ({ expired }) => expired },
  { name: 'no message', of: ({ noMessage }) => noMessage },
  { name: 'not yet consumed', of: ({ notConsumed }) => notConsumed, always: true },
];

const alarming = (value: number): string => (value === 0 ? '0' : answerColours.red(count(value)));

/** Which offsets and numbers are at fault, a line for each partition or producer that has any. */
export function faultLines({ partitions, pastTopics, producers }: VerifyReport): string[] {
  return [
    ...partitions.flatMap(partitionLines),
    ...pastTopics
      .filter(({ doubled }) => doubled > 0)
      .map(
        ({ topicId, doubled }) =>
          `the topic's log before, ${topicId}, has ${counted(doubled, 'row')} doubled`,
      ),
    ...producers.gaps.map(
      ({ producerId, service, unexplained, absent }) =>
        `producer ${producerId} (${safeText(service)}) never said why ${counted(unexplained, 'event')} of its numbers ${rangesText(absent)} did not come`,
    ),
  ];
}

function partitionLines(report: PartitionReport): string[] {
  const { partition, missingRanges, doubledRanges, overtaken, contents } = report;
  return [
    ...(missingRanges.length === 0
      ? []
      : [
          `partition ${partition} misses the offsets ${rangesText(missingRanges)}${overtaken > 0 ? `; Kafka had deleted ${count(overtaken)} of them before they were stored` : ''}`,
        ]),
    ...(doubledRanges.length === 0
      ? []
      : [`partition ${partition} has more than once the offsets ${rangesText(doubledRanges)}`]),
    ...(contents?.alterations ?? []).map(
      ({ offset, table, columns }) =>
        `partition ${partition}, offset ${offset}: ${table} differs from Kafka in ${columns.length === 0 ? 'that the table would not take the message' : columns.join(', ')}`,
    ),
  ];
}

const rangesText = (ranges: PartitionReport['missingRanges']): string =>
  ranges.map(({ first, last }) => (first === last ? String(first) : `${first}–${last}`)).join(', ');

/** What is no fault and still worth a line: quarantine by reason, past logs, what producers lost. */
export function noteLines(report: VerifyReport): string[] {
  const { producers, quarantinedByReason, pastTopics } = report;
  const reasons = Object.entries(quarantinedByReason);
  const lost = Object.entries(producers.lost);
  return [
    ...(reasons.length === 0 ? [] : [`quarantined: ${list(reasons)}`]),
    ...pastTopics.map(
      ({ topicId, stored, quarantined }) =>
        `the topic was made again; of its log before, ${topicId}, ${count(stored)} are stored and ${count(quarantined)} quarantined`,
    ),
    ...(producers.producers === 0
      ? []
      : [
          `producers: ${count(producers.present)} of ${count(producers.expected)} numbers of ${counted(producers.producers, 'producer')} are there${waiting(producers)}`,
        ]),
    ...(lost.length === 0 ? [] : [`lost before Kafka, as the producers reported: ${list(lost)}`]),
    ...(producers.tooOld === 0
      ? []
      : [
          `${counted(producers.tooOld, 'producer')} began too long ago to be accounted for: some of their events may have expired`,
        ]),
  ];
}

const waiting = ({ pending, undecided }: VerifyReport['producers']): string =>
  [
    ...(pending > 0 ? [`; ${count(pending)} are still with them`] : []),
    ...(undecided > 0 ? [`; ${count(undecided)} may be among what is not yet consumed`] : []),
  ].join('');

const list = (entries: readonly (readonly [string, number])[]): string =>
  entries.map(([name, value]) => `${safeText(name)} ${count(value)}`).join(', ');

/** The last line: whether the ledger and the broker agree. */
export function verdict({ topic, sound, deep, since, totals, producers }: VerifyReport): string {
  const { stored, quarantined, missing, doubled, altered, notConsumed } = totals;
  if (!sound) {
    const faults = [
      ...(missing > 0 ? [`${counted(missing, 'offset')} missing`] : []),
      ...(doubled > 0 ? [`${counted(doubled, 'row')} doubled`] : []),
      ...(altered > 0 ? [`${counted(altered, 'row')} altered`] : []),
      ...(producers.unexplained > 0
        ? [`${counted(producers.unexplained, 'event')} lost before Kafka without a word`]
        : []),
    ];
    return answerColours.red(`NOT SOUND: of ${topic}, ${faults.join(', ')}`);
  }
  const rest = notConsumed === 0 ? '' : `; ${count(notConsumed)} not yet consumed`;
  const what = since === null ? 'every consumed offset' : `every consumed offset since ${since}`;
  const how = deep ? 'there once, as it came' : 'there once';
  return answerColours.green(
    `sound: ${what} of ${topic} is ${how} (${count(stored)} stored, ${count(quarantined)} quarantined${rest})`,
  );
}
