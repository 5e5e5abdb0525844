import { setTimeout as wait } from 'node:timers/promises';
import { createLedger, gateway, optionsFromEnv } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

export interface RoundTrips {
  readonly events: number;
  readonly seconds: number;
  readonly flushIntervalS: number;
  /** Requests to Kafka. */
  readonly sends: number;
  /** Against a request for each event. */
  readonly savedShare: number;
}

/** How many requests events leave in, with so much traffic and such an interval. */
export async function roundTrips(
  events: number,
  seconds: number,
  interval: number | undefined,
): Promise<RoundTrips> {
  const transport = memoryTransport({ partitions: 4 });
  const { flushIntervalMs, batch } = optionsFromEnv({
    ...(interval !== undefined && { AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL: String(interval) }),
  });
  const ledger = createLedger({
    service: 'gateway',
    catalog: gateway,
    transport,
    flushIntervalMs,
    batch,
  });
  const start = performance.now();
  for (let n = 0; n < events; n += 1) {
    const dueMs = (n * seconds * 1000) / events - (performance.now() - start);
    if (dueMs > 1) await wait(dueMs);
    ledger.emit('gateway.tool.invoked', {
      actor: { type: 'user', id: 'u_1' },
      target: { id: `tool_${n % 20}` },
    });
  }
  // The interval itself sends them; the close would do so too, and show nothing.
  const flushIntervalS = interval ?? 0.1;
  while (transport.messages.length < events) {
    if (performance.now() - start > (seconds + flushIntervalS + 5) * 1000) break;
    await wait(20);
  }
  const sends = transport.batchSizes.length;
  const stored = transport.messages.length;
  await ledger.close();
  if (stored !== events) throw new Error('not every event was sent when the interval was over');
  return { events, seconds, flushIntervalS, sends, savedShare: 1 - sends / events };
}
