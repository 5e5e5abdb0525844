import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouse } from '../../clickhouse/index.ts';
import type { Stack } from '../../local/stack.ts';
import { progress, rounded } from '../stack.ts';
import { messagesOf } from './broker.ts';
import { checkAll, highestOffsets, withPlace } from './paced.ts';
import { startWorker } from './worker.ts';

/** A producer that cannot keep the rate measures another one. */
const KEPT = 0.95;
/**
 * How finely "readable" is told: a latency is up to this much too long. Asking more often takes so much of
 * a small machine that what is measured waits for it.
 */
const POLL_MS = 50;
const WARM_UP_MS = 6_000;
const DRAIN_MS = 60_000;

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly events: number;
}

export type Latency = Readonly<Record<string, number>>;

/** From a message's own timestamp, set when it is produced, until a reader finds its row. */
export async function measureLatency(stack: Stack, seconds: number): Promise<Latency> {
  const thin = await atRate(stack, 100, seconds);
  progress(`100 events/s: ${JSON.stringify(thin)}`);
  const full = await atRate(stack, 10_000, seconds);
  progress(`10,000 events/s: ${JSON.stringify(full)}`);
  return {
    latencyP50MsAt100: thin.p50,
    latencyP99MsAt100: thin.p99,
    latencyP50MsAt10k: full.p50,
    latencyP99MsAt10k: full.p99,
    latencyMaxMsAt10k: full.max,
    latencyEventsPerSecondAt10k: rounded(full.events / seconds),
  };
}

function atRate(stack: Stack, rate: number, seconds: number): Promise<Percentiles> {
  return withPlace(stack, `latency_${rate}`, async (place) => {
    const { clickhouse, producer } = place;
    const worker = await startWorker(place);
    const watch = new Watch(clickhouse);
    try {
      await producer.pace(rate, WARM_UP_MS);
      const since = Date.now();
      const watching = Promise.race([watch.run(), worker.failed]);
      await producer.pace(rate, seconds * 1_000);
      const until = Date.now();
      const events = await messagesOf(place.brokers, place.topic);
      await checkAll(clickhouse, events, DRAIN_MS);
      watch.end();
      await watching;
      const found = percentiles(watch, await produced(clickhouse, since, until));
      const kept = found.events / (rate * seconds);
      if (kept < KEPT) progress(`only ${rounded(kept * 100)}% of ${rate} events/s were produced`);
      return found;
    } finally {
      watch.end();
      await worker.stop();
    }
  });
}

/** Notes when each partition was seen to reach which offset. */
class Watch {
  readonly #clickhouse: ClickHouse;
  readonly #steps = new Map<number, { readonly offset: number; readonly at: number }[]>();
  #over = false;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
  }

  async run(): Promise<void> {
    for (;;) {
      // Asked once more when all is stored, so that the last rows have been seen too.
      const last = this.#over;
      const highest = await highestOffsets(this.#clickhouse);
      const at = Date.now();
      for (const [partition, offset] of highest) {
        const steps = this.#steps.get(partition) ?? [];
        if ((steps.at(-1)?.offset ?? -1) < offset) steps.push({ offset, at });
        this.#steps.set(partition, steps);
      }
      if (last) return;
      await delay(POLL_MS);
    }
  }

  end(): void {
    this.#over = true;
  }

  /** When an offset was first seen to be stored. Offsets of a partition are stored in their order. */
  readableAt(partition: number, offset: number): number {
    const steps = this.#steps.get(partition) ?? [];
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((steps[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    const step = steps[low];
    if (!step) throw new Error(`offset ${offset} of partition ${partition} was never seen`);
    return step.at;
  }
}

interface Produced {
  readonly partition: number;
  readonly offset: string;
  readonly at: string;
}

function produced(clickhouse: ClickHouse, since: number, until: number): Promise<Produced[]> {
  return clickhouse.query<Produced>(
    `SELECT kafka_partition AS partition, kafka_offset AS offset,
       toUnixTimestamp64Milli(kafka_timestamp) AS at
     FROM audit_events WHERE at BETWEEN {since:Int64} AND {until:Int64}`,
    { params: { since, until }, timeoutMs: 60_000 },
  );
}

function percentiles(watch: Watch, events: readonly Produced[]): Percentiles {
  const latencies = Float64Array.from(
    events.map(
      ({ partition, offset, at }) => watch.readableAt(partition, Number(offset)) - Number(at),
    ),
  ).toSorted();
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1), events: latencies.length };
}
