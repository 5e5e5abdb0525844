/** The real runner of a partition over a sink of the test's own: what the rest of a worker would give it. */
import { pino } from 'pino';
import { ChunkPool } from '../../consumers/chunk-pool.ts';
import type { LedgerSink } from '../../consumers/ledger-sink.ts';
import type { Halt } from '../../consumers/partition.ts';
import { newCounters, type RunnerContext } from '../../consumers/runner-context.ts';
import { Slots } from '../../consumers/slots.ts';

export interface RunnerOver {
  readonly context: RunnerContext;
  readonly halts: Halt[];
  readonly broken: Error[];
}

/** Every commit is taken; nothing expires. */
export function runnerOver(sink: object): RunnerOver {
  const halts: Halt[] = [];
  const broken: Error[] = [];
  const context: RunnerContext = {
    pool: new ChunkPool(1024 * 1024),
    slots: new Slots(1),
    sink: sink as LedgerSink,
    limits: {
      maxRows: 100,
      maxBytes: 1024 * 1024,
      maxMessageBytes: 16 * 1024,
      insertTimeoutMs: 1_000,
      leaseMs: 5_000,
    },
    log: pino({ level: 'silent' }),
    counters: newCounters(),
    flushAgeMs: () => 10,
    engineNow: () => Date.now(),
    askClock: () => Promise.resolve(),
    expiry: () => Promise.resolve({ nowMs: Date.now(), daysOf: () => 90 }),
    commit: () => Promise.resolve('committed'),
    holdingsChanged: () => undefined,
    halted: (_, halt) => void halts.push(halt),
    broken: (_, error) => void broken.push(error),
  };
  return { context, halts, broken };
}
