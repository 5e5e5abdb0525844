import Table from 'cli-table3';
import type { OutboxStatus, RejectedEvent } from '../../outbox/index.ts';
import { safeText } from '../safe-text.ts';
import { counted } from '../terminal.ts';

/** The outbox's state, for people. Pure. */
export function statusLines(status: OutboxStatus): string[] {
  const { pending, oldestSeconds, rejected, published, lastPublishedAt, relay } = status;
  const waiting =
    oldestSeconds === null ? '' : `, the oldest for ${oldestSeconds.toFixed(1)} seconds`;
  const aside = Object.entries(rejected);
  return [
    `${counted(pending, 'event')} pending${waiting}`,
    `${counted(published, 'event')} published${lastPublishedAt === null ? '' : `, the last at ${lastPublishedAt}`}`,
    ...aside.map(([reason, rows]) => `${counted(rows, 'event')} set aside: ${reason}`),
    relay ? 'a relay publishes' : 'no relay publishes: start one with "ledgerline outbox relay"',
  ];
}

/** The rejected events, for people. Pure. */
export function rejectedTable(events: readonly RejectedEvent[]): string {
  const table = new Table({
    head: ['id', 'event', 'bytes', 'written', 'reason', 'error'],
    style: { head: [], border: [] },
  });
  for (const { id, eventId, bytes, writtenAt, reason, error } of events) {
    table.push([id, eventId, bytes, writtenAt, reason, safeText(error)]);
  }
  return table.toString();
}
