/** What a tool needs to work on a quarantine: its store, the ledger to look into, today's standards. */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { ExpiryClock } from '../expiry-clock.ts';
import { LedgerSink } from '../ledger-sink.ts';
import type { Standards } from './rejudge.ts';
import { QuarantineStore } from './store.ts';

export interface Quarantine {
  readonly store: QuarantineStore;
  readonly sink: Pick<LedgerSink, 'find'>;
  readonly standards: Standards;
}

/**
 * Reads what decides about messages today: the table's retention classes, by the engine's clock.
 *
 * @param maxMessageBytes the workers' LEDGERLINE_MAX_MESSAGE_BYTES
 * @throws ClickHouseUnreachable, ClickHouseError
 * @example
 * const quarantine = await openQuarantine(clickhouse, workerConfig(process.env).maxMessageBytes);
 * const newest = await quarantine.store.page({ state: 'open' }, 50);
 */
export async function openQuarantine(
  clickhouse: ClickHouse,
  maxMessageBytes: number,
): Promise<Quarantine> {
  const sink = new LedgerSink(clickhouse);
  const clock = new ExpiryClock(clickhouse, sink);
  await clock.refresh();
  return {
    store: new QuarantineStore(clickhouse),
    sink,
    standards: { expiry: await clock.expiry(), maxMessageBytes },
  };
}
