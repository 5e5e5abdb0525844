import { randomUUID } from 'node:crypto';
import { createLedger, gateway } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

const REQUESTS = 40_000;
/** Of a request's reads, all share its correlation id, and so its fate. */
const READS_PER_REQUEST = 3;
const FAILURES_PER_HUNDRED = 2;

export interface Total {
  readonly rate: number;
  readonly happened: number;
  readonly stored: number;
  /** The sum of the weights. */
  readonly estimate: number;
  readonly errorPercent: number;
  /** Two standard deviations, by docs/policy.md. */
  readonly boundPercent: number;
  /** Failures are never sampled: their count is exact. */
  readonly failuresMissed: number;
}

/** What the weights of a sample say of how much happened, against the truth. */
export async function sampledTotals(rates: readonly number[]): Promise<Total[]> {
  const totals: Total[] = [];
  for (const rate of rates) {
    const transport = memoryTransport();
    const ledger = createLedger({
      service: 'gateway',
      catalog: gateway,
      transport,
      level: 'all',
      sampling: { rate, of: 'reads' },
      buffer: { maxEvents: REQUESTS * 4, maxBytes: 1024 ** 3 },
    });
    const actor = { type: 'user', id: 'u_1' };
    let failures = 0;
    for (let request = 0; request < REQUESTS; request += 1) {
      const correlationId = randomUUID();
      for (let n = 0; n < READS_PER_REQUEST; n += 1) {
        const failed = (request * READS_PER_REQUEST + n) % 100 < FAILURES_PER_HUNDRED;
        if (failed) failures += 1;
        const error = failed ? { code: 'UPSTREAM' } : undefined;
        ledger.emit('gateway.tool.listed', { actor, correlationId, error });
      }
    }
    await ledger.close();
    const events = transport.events();
    const happened = REQUESTS * READS_PER_REQUEST;
    const estimate = events.reduce((sum, { policy }) => sum + (policy?.weight ?? 1), 0);
    const sampled = happened - failures;
    const deviation = Math.sqrt((sampled * READS_PER_REQUEST * (1 - rate)) / rate);
    totals.push({
      rate,
      happened,
      stored: events.length,
      estimate: Math.round(estimate),
      errorPercent: round((estimate / happened - 1) * 100),
      boundPercent: round((2 * deviation * 100) / happened),
      failuresMissed: failures - events.filter(({ outcome }) => outcome === 'failure').length,
    });
  }
  return totals;
}

const round = (value: number): number => Math.round(value * 100) / 100;
