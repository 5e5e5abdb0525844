import Table from 'cli-table3';
import type { Hold } from '../../clickhouse/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count, counted } from '../terminal.ts';

const HEAD = ['id', 'name', 'owner', 'placed', 'events', 'last sync', 'query', 'reason'];

export function holdsTable(holds: readonly Hold[]): string {
  const table = new Table({
    head: HEAD.map((name) => answerColours.bold(name)),
    style: { head: [], border: [], compact: true },
  });
  for (const hold of holds) {
    const placed = `${hold.placedAt.slice(0, 10)} by ${safeText(hold.placedBy)}`;
    table.push([
      hold.id,
      safeText(hold.name),
      safeText(hold.owner),
      hold.releasedAt
        ? answerColours.dim(`${placed}, released ${hold.releasedAt.slice(0, 10)}`)
        : placed,
      count(hold.events),
      hold.syncedAt.slice(0, 16).replace('T', ' '),
      safeText(hold.query),
      safeText(hold.reason),
    ]);
  }
  return table.toString();
}

export const placedLines = (hold: Hold): string[] => [
  `${answerColours.bold(hold.id)} holds ${counted(hold.events, 'event')}`,
  'what comes later is taken up by `ledgerline hold sync`, and by each `ledgerline retention sweep`',
];
