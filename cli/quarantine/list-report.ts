import Table from 'cli-table3';
import { formatMessageId } from '../../consumers/quarantine/message-id.ts';
import type { ListedMessage, ReasonCount } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count } from '../terminal.ts';

const MAX_ERROR_CHARACTERS = 80;

/** Counts by reason, for people. Pure. */
export function summaryTable(summary: readonly ReasonCount[]): string {
  const table = new Table({
    head: ['reason', 'open', 'replayed', 'discarded', 'oldest', 'newest'].map((name) =>
      answerColours.bold(name),
    ),
    colAligns: ['left', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { reason, open, replayed, discarded, oldestMs, newestMs } of summary) {
    table.push([
      safeText(reason),
      count(open),
      count(replayed),
      count(discarded),
      when(oldestMs),
      when(newestMs),
    ]);
  }
  return table.toString();
}

/** A page of messages, for people. Pure. */
export function messageTable(
  messages: readonly ListedMessage[],
  ambiguous: ReadonlySet<string>,
): string {
  const table = new Table({
    head: ['id', 'quarantined', 'reason', 'state', 'bytes', 'error'].map((name) =>
      answerColours.bold(name),
    ),
    colAligns: ['left', 'left', 'left', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const message of messages) {
    const error = safeText(message.error);
    table.push([
      formatMessageId(message, ambiguous.has(message.topic)),
      when(message.quarantinedAtMs),
      safeText(message.reason),
      message.state,
      count(message.bytes),
      error.length > MAX_ERROR_CHARACTERS ? `${error.slice(0, MAX_ERROR_CHARACTERS)}…` : error,
    ]);
  }
  return table.toString();
}

const when = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
