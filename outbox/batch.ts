import type { Publisher, PublishOutcome } from '../producers/index.ts';
import { judge, type OutboxRow, type PresentRow, type Rejection } from './judge.ts';
import type { Settled } from './store.ts';

/** `kept`: it stays in the outbox, and is published again. */
type Fate = 'published' | 'kept' | Rejection;

/**
 * Hands rows to Kafka in their order, and tells, once all have come to an end, what became of each.
 * Never rejects.
 *
 * Every message says that it may be a repeat. A relay cannot know: one before it may have been killed
 * between Kafka's answer and the DELETE, and one that was thought dead may only have slept, and sends
 * yet. Who says so only on suspicion stores twice what the sleeper sends last, unmarked.
 */
export async function publishBatch(
  publisher: Publisher,
  rows: readonly OutboxRow[],
): Promise<Settled> {
  const published: OutboxRow[] = [];
  const rejected: (Rejection & { row: OutboxRow })[] = [];
  await Promise.all(
    rows.map(async (row) => {
      const fate = await fateOf(publisher, row);
      if (fate === 'published') published.push(row);
      else if (fate !== 'kept') rejected.push({ row, ...fate });
    }),
  );
  return { published, rejected };
}

const isPresent = (row: OutboxRow): row is PresentRow => row.event_id !== null;

/** Puts the row into the publisher's buffer before it first waits: so rows keep their order. */
async function fateOf(publisher: Publisher, row: OutboxRow): Promise<Fate> {
  // Its event was deleted by hand: what is left is its place.
  if (!isPresent(row)) return 'published';
  const judged = judge(row);
  if (!judged.ok) return { reason: judged.reason, error: judged.error };
  try {
    const { delivered } = await publisher.publishEncoded(judged.event, { mayRepeat: true });
    return fateOfOutcome(await delivered);
  } catch {
    // The publisher is closing.
    return 'kept';
  }
}

function fateOfOutcome(outcome: PublishOutcome): Fate {
  if (outcome.status === 'stored') return 'published';
  switch (outcome.cause) {
    case 'too_large':
    case 'refused':
      return { reason: outcome.cause, error: outcome.error.message };
    case 'abandoned':
      return 'kept';
  }
}
