/**
 * Messages that their producer may have sent before: which of them are in the ledger already, or stand
 * earlier in the same batch. All messages of one target share a partition, so asking here is enough.
 */
import { type Row, valueOf } from './backlog.ts';
import type { LedgerSink } from './ledger-sink.ts';
import type { Rejection } from './quarantine.ts';
import type { Origin } from './splice.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const REPEAT: Rejection = { reason: 'duplicate', error: 'an event with this id was stored before' };

export async function findRepeats(
  rows: readonly Row[],
  origin: Origin,
  sink: Pick<LedgerSink, 'find'>,
): Promise<Map<number, Rejection>> {
  const ids = new Map<Row, string>();
  for (const row of rows) {
    const id = row.fault ? undefined : eventIdOf(row);
    if (id !== undefined) ids.set(row, id);
  }
  const suspects = rows.filter((row) => row.mayRepeat && ids.has(row));
  const known = await sink.find([...new Set(suspects.map((row) => ids.get(row) as string))]);
  const repeats = new Map<number, Rejection>();
  const seen = new Set<string>();
  for (const [row, id] of ids) {
    const elsewhere = known
      .get(id)
      ?.some(
        (at) =>
          at.offset !== row.offset ||
          at.partition !== origin.partition ||
          at.topicId !== origin.topicId,
      );
    if (row.mayRepeat && (seen.has(id) || elsewhere)) repeats.set(row.offset, REPEAT);
    else seen.add(id);
  }
  return repeats;
}

function eventIdOf(row: Row): string | undefined {
  try {
    const { event_id: id } = JSON.parse(valueOf(row).toString('utf8')) as { event_id?: unknown };
    return typeof id === 'string' && UUID.test(id) ? id.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}
