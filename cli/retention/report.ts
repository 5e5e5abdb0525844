import Table from 'cli-table3';
import type {
  ClassPreview,
  RetentionState,
  RetentionStatus,
  SweepResult,
} from '../../clickhouse/index.ts';
import { unfinishedLine } from '../erasure/report.ts';
import { answerColours, count, counted, size } from '../terminal.ts';

const STOPPED =
  'expiry is stopped: nothing is removed until `ledgerline retention resume`, or AUDIT_TRAIL_CLEANUP_ENABLED=true';

const HEAD = [
  'class',
  'days',
  'events',
  'on disk',
  'oldest',
  'expired, still there',
  'expires next',
  'within 7 days',
  'a day',
  'tends to',
];

export function statusLines(status: RetentionStatus): string[] {
  const table = new Table({
    head: HEAD.map((name) => answerColours.bold(name)),
    colAligns: HEAD.map((_, index) => (index === 0 ? ('left' as const) : ('right' as const))),
    style: { head: [], border: [], compact: true },
  });
  for (const one of status.classes) {
    table.push([
      one.name,
      count(one.days),
      count(one.rows),
      size(one.bytes),
      one.oldest?.slice(0, 10) ?? '',
      one.expiredRows === 0 ? '0' : answerColours.yellow(count(one.expiredRows)),
      one.next?.at.slice(0, 10) ?? '',
      one.next ? count(one.next.rowsWithinWeek) : '',
      count(one.forecast.rowsPerDay),
      size(one.forecast.bytes),
    ]);
  }
  const lines = [
    table.toString(),
    `all: ${counted(status.rows, 'event')}, ${size(status.bytes)} on disk`,
  ];
  const expired = status.classes.reduce((sum, one) => sum + one.expiredRows, 0);
  if (!status.cleanup) {
    lines.push(
      answerColours.yellow(
        `${STOPPED}. ${status.stoppedAt ? `Since ${status.stoppedAt}; ` : ''}${counted(expired, 'event')} past their days so far.`,
      ),
    );
  } else if (expired > 0) {
    lines.push(
      `${counted(expired, 'event')} past their days go with the rest of their month, or with \`ledgerline retention sweep\`.`,
    );
  }
  for (const erasure of status.erasures) {
    lines.push(
      erasure.atWork ? unfinishedLine(erasure) : answerColours.yellow(unfinishedLine(erasure)),
    );
  }
  return lines;
}

export function previewLines(preview: readonly ClassPreview[], state: RetentionState): string[] {
  if (preview.length === 0) return ['nothing to change: the table has these days already'];
  const lines = preview.map((one) => {
    const days = one.before === undefined ? 'new, ' : `${one.before} → `;
    const head = `${answerColours.bold(one.name)}: ${days}${counted(one.after, 'day')}`;
    if (one.expiringRows === 0) return `${head}; nothing that is stored expires by it`;
    const later = one.expiringRows - one.goingAtOnceRows;
    return `${head}; ${answerColours.red(`${counted(one.expiringRows, 'event')} would expire`)} (about ${size(one.expiringBytes)}): ${count(one.goingAtOnceRows)} within the hour, ${count(later)} with the rest of their month or the next sweep`;
  });
  return state.cleanup ? lines : [...lines, STOPPED];
}

export function sweepLines(result: SweepResult): string[] {
  if (!result.cleanup) {
    return [
      answerColours.yellow(STOPPED),
      `${counted(result.expiredRows, 'event')} past their days have piled up`,
    ];
  }
  const places = result.partitions.map(
    (one) =>
      `${one.retentionClass} ${one.month.slice(0, 7)}: ${count(result.dryRun ? one.expiredRows : one.removedRows)}`,
  );
  const seconds = (result.durationMs / 1000).toFixed(1);
  const done = result.dryRun
    ? `${counted(result.expiredRows, 'event')} would go: --dry-run`
    : `${counted(result.removedRows, 'event')} removed in ${seconds} s: ${counted(result.droppedParts, 'whole part')}, ${counted(result.steps, 'delete')}`;
  const left = result.expiredRows - result.removedRows;
  return [
    ...places,
    done,
    ...(result.interrupted
      ? [`interrupted: ${counted(left, 'event')} left for the next sweep`]
      : []),
  ];
}
