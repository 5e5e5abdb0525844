/**
 * What has to be known, and put on record, of partitions that were just assigned before the first of their
 * messages is read: all of it behind the fence, and with heartbeats meanwhile. ClickHouse is waited for.
 */
import { once } from 'node:events';
import type { ClickHouse } from '../clickhouse/index.ts';
import { formerLog } from './former-log.ts';
import type { AssignedPartition } from './group-member.ts';
import type { LedgerSink } from './ledger-sink.ts';
import { Fenced, Patience } from './patience.ts';
import type { RunnerContext } from './runner-context.ts';
import { Slots } from './slots.ts';
import type { Origin } from './splice.ts';
import {
  type AcceptedLoss,
  type Holdings,
  isUnvouched,
  type StartPosition,
  startPosition,
} from './start-position.ts';

/** A first start has to ask about every partition of the topic. */
const QUESTIONS_AT_ONCE = 8;

export interface Takeover {
  readonly topic: string;
  readonly topicId: string;
  readonly acceptLoss: AcceptedLoss;
  readonly clickhouse: ClickHouse;
  readonly sink: LedgerSink;
  readonly context: Pick<RunnerContext, 'counters' | 'log' | 'engineNow' | 'limits'>;
  /** When the partitions are no longer this worker's, or it stops. */
  readonly over: AbortSignal;
}

/**
 * From where each partition is read. Nothing is put on record before it is known of all of them.
 *
 * @throws WorkerError, FencedByRebuild, as `startPosition`
 * @throws Fenced when `over` ends the wait; Misconfigured
 */
export async function takeOver(
  takeover: Takeover,
  partitions: readonly AssignedPartition[],
): Promise<ReadonlyMap<AssignedPartition, StartPosition>> {
  const { topic, topicId, acceptLoss, context, over } = takeover;
  const asking = new Slots(QUESTIONS_AT_ONCE);
  const known = await Promise.all(
    partitions.map(async (assigned) => {
      const patience = new Patience(assigned.partition, context, over);
      const origin: Origin = { topic, topicId, partition: assigned.partition };
      const holdings = isUnvouched(assigned)
        ? await asking.use(() =>
            unlessOver(
              patience.until(() => holdingsOf(takeover, origin)),
              over,
            ),
          )
        : undefined;
      return { assigned, origin, patience, holdings };
    }),
  );
  const starts = known.map(({ holdings, ...of }) => ({
    ...of,
    start: startPosition(of.assigned, topic, topicId, acceptLoss, holdings),
  }));
  for (const { assigned, origin, patience, start } of starts) {
    if (start.lost) await recordLoss(takeover, origin, patience, start.lost);
    if (isUnvouched(assigned) && (assigned.committed ?? 0) > start.from) {
      context.log.warn(
        {
          code: 'OFFSET_AHEAD',
          partition: origin.partition,
          committed: assigned.committed,
          from: start.from,
        },
        'the committed offset was set past what is stored; going on from what is stored',
      );
    }
  }
  return new Map(starts.map(({ assigned, start }) => [assigned, start]));
}

/** A question may take as long as a request may: it only reads, and nobody has to wait for its answer. */
async function unlessOver<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  const done = new AbortController();
  const ended = once(over, 'abort', { signal: done.signal }).then(() => {
    throw new Fenced();
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    ended.catch(() => undefined);
    done.abort();
  }
}

async function holdingsOf({ sink, clickhouse }: Takeover, origin: Origin): Promise<Holdings> {
  const highWater = await sink.highWater(origin);
  const former = highWater < 0 ? await formerLog(clickhouse, origin) : undefined;
  return { highWater, former };
}

async function recordLoss(
  { sink, context }: Takeover,
  origin: Origin,
  patience: Patience,
  lost: NonNullable<StartPosition['lost']>,
): Promise<void> {
  // Its token is the same each time, so that what an unclear attempt has written is not written again.
  await patience.until(() =>
    sink.recordLoss(origin, lost, context.engineNow() + context.limits.leaseMs),
  );
  context.log.warn(
    { code: 'LOSS_ACCEPTED', partition: origin.partition, ...lost },
    'recorded a loss, as accepted by configuration',
  );
}
