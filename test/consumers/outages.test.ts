/**
 * R-DLV-03: nothing goes to quarantine because ClickHouse is down. The real runner of a partition, with the
 * real classification and state machine, against a sink that fails in every way that is an outage, as
 * often as it likes, at any question.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClickHouseUnreachable, ENGINE_CODES } from '../../clickhouse/index.ts';
import { refusalError } from '../../clickhouse/errors.ts';
import type { Row } from '../../consumers/backlog.ts';
import { PartitionRunner } from '../../consumers/partition-runner.ts';
import type { Halt } from '../../consumers/partition.ts';
import { wireRow } from '../support/wire-row.ts';
import { runnerOver } from './runner-over.ts';

beforeEach(() => {
  vi.useFakeTimers();
  // A process has run for a while when the first message comes.
  vi.advanceTimersByTime(1_000);
});
afterEach(() => void vi.useRealTimers());

const address = 'http://127.0.0.1:8123';
const codesThatAre = (wanted: string): number[] =>
  [...ENGINE_CODES].filter(([, { is }]) => is === wanted).map(([code]) => code);

const refusal = (code: number, row: number | undefined, httpStatus = 500): Error =>
  refusalError({
    address,
    text: `Code: ${code}. DB::Exception: no${row === undefined ? '' : `: (at row ${row})`}`,
    httpStatus,
    quotes: 'rows',
  });

/** Everything that a ClickHouse that is down, overloaded or behind a broken network says, or does not. */
const anyOutage: fc.Arbitrary<Error> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...codesThatAre('outage')),
      fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    )
    .map(([code, row]) => refusal(code, row)),
  fc
    .constantFrom(200, 404, 408, 429, 500, 502, 503, 504, 599)
    .map((httpStatus) => refusalError({ address, text: '', httpStatus, quotes: 'rows' })),
  fc
    .constantFrom('ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'UND_ERR_SOCKET', 'EPIPE')
    .map((code) => new ClickHouseUnreachable(address, code, Object.assign(new Error(), { code }))),
  fc.constant(new ClickHouseUnreachable(address, 'no answer within 20000 ms')),
);

interface Fate {
  /** Absent when it goes well. */
  readonly error?: Error;
  /** Whether the engine has stored the rows all the same, and only its answer was lost. */
  readonly stored: boolean;
}

class FailingSink {
  readonly ledger = new Map<number, number>();
  readonly quarantine_: number[] = [];
  readonly #fates: Fate[];

  constructor(fates: readonly Fate[]) {
    this.#fates = [...fates];
  }

  #meet(store: () => void): Promise<void> {
    const fate = this.#fates.shift();
    if (!fate?.error || fate.stored) store();
    return fate?.error ? Promise.reject(fate.error) : Promise.resolve();
  }

  async highWater(): Promise<number> {
    await this.#meet(() => undefined);
    return -1;
  }

  async settled(): Promise<Set<number>> {
    await this.#meet(() => undefined);
    return new Set([...this.ledger.keys(), ...this.quarantine_]);
  }

  async quarantined(): Promise<Set<number>> {
    await this.#meet(() => undefined);
    return new Set(this.quarantine_);
  }

  async insert(rows: readonly Row[]): Promise<number> {
    await this.#meet(() => {
      for (const { offset } of rows) this.ledger.set(offset, (this.ledger.get(offset) ?? 0) + 1);
    });
    return rows.length;
  }

  async quarantine(messages: readonly { offset: number }[]): Promise<void> {
    await this.#meet(() => this.quarantine_.push(...messages.map(({ offset }) => offset)));
  }
}

/** Forgets tokens; its first insert lands in the last moment of its lease, its second is cut on its way. */
class SlowSink extends FailingSink {
  #inserts = 0;

  override insert(
    rows: readonly Row[],
    _?: unknown,
    request?: { readonly leaseSeconds: number },
  ): Promise<number> {
    this.#inserts++;
    if (this.#inserts === 1) {
      const left = (request?.leaseSeconds ?? 0) * 1_000 - Date.now();
      setTimeout(() => void super.insert(rows), left);
      return Promise.reject(new ClickHouseUnreachable(address, 'no answer within 1000 ms'));
    }
    return this.#inserts === 2 ? Promise.reject(refusal(117, rows.length)) : super.insert(rows);
  }
}

/** Stores five messages against a sink with these fates; the clock runs as fast as it can. */
async function store(sink: FailingSink, value = '{}'): Promise<{ halts: Halt[]; broken: Error[] }> {
  const { context, halts, broken } = runnerOver(sink);
  const origin = {
    topic: 't',
    topicId: '0c8d7f8e-0000-4000-8000-000000000001',
    partition: 0,
  };
  const session = { generationId: 1, memberId: 'm' };
  const runner = new PartitionRunner(
    context,
    session,
    origin,
    { from: 0, intent: null, accusations: 0 },
    5,
  );
  const messages = [0, 1, 2, 3, 4].map((offset) => ({
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: Buffer.from(value),
  }));
  runner.receive(0, 4, messages, 5);
  const isDone = (): boolean => runner.figures.lag === 0 || halts.length > 0 || broken.length > 0;
  for (let turn = 0; turn < 400 && !isDone(); turn++) {
    runner.wake();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  runner.end();
  return { halts, broken };
}

describe('while ClickHouse is down (R-DLV-03)', () => {
  it(
    'nothing is quarantined, nothing stops, and afterwards every row is stored once',
    { timeout: 30_000 },
    async () => {
      const fates = fc.array(fc.record({ error: anyOutage, stored: fc.boolean() }), {
        maxLength: 12,
      });
      await fc.assert(
        fc.asyncProperty(fates, async (all) => {
          const sink = new FailingSink(all);
          const { halts, broken } = await store(sink);
          expect({ halts, broken, quarantined: sink.quarantine_ }).toEqual({
            halts: [],
            broken: [],
            quarantined: [],
          });
          expect([...sink.ledger]).toEqual([0, 1, 2, 3, 4].map((offset) => [offset, 1]));
        }),
        { numRuns: 300 },
      );
    },
  );

  it('control: an error that is content does put a row into quarantine', async () => {
    const sink = new FailingSink([{ stored: false }, { error: refusal(72, 3), stored: false }]);
    await store(sink);
    expect(sink.quarantine_).not.toEqual([]);
  });

  it('an insert that may still land is waited for before the engine’s word against a row counts', async () => {
    const sink = new SlowSink([]);
    expect(await store(sink, wireRow())).toEqual({ halts: [], broken: [] });
    await vi.runAllTimersAsync();
    expect([...sink.ledger]).toEqual([0, 1, 2, 3, 4].map((offset) => [offset, 1]));
    expect(sink.quarantine_).toEqual([]);
  });

  it.each([
    ['a configuration', refusal(60, undefined), 1, 0],
    ['a fault of ours', new TypeError('x is not a function'), 0, 1],
  ])('%s stops it, wherever it shows', async (_, error, halted, broke) => {
    for (const before of [0, 1, 2]) {
      const passing = Array.from({ length: before }, () => ({
        error: refusal(999, undefined),
        stored: false,
      }));
      const sink = new FailingSink([...passing, { error, stored: false }]);
      const { halts, broken } = await store(sink);
      expect([halts.length, broken.length, sink.quarantine_.length]).toEqual([halted, broke, 0]);
    }
  });
});
