import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { LedgerlineError } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';

/** What decides what the ledger keeps, and is therefore done by one at a time. */
export type KeepingWork = 'hold' | 'sync' | 'sweep' | 'erasure';

export interface Waiting {
  readonly signal?: AbortSignal;
  /** Told once, where it has to wait until another is done. */
  readonly onWait?: (other: KeepingWork) => void;
}

/** A turn that nobody has ended, as that of a process that was killed, is over after this. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** No statement is begun so late in a lease that the next holder could be there before it. */
const MARGIN_MS = 5_000;
const WAIT_MS = 120_000;
const LOOK_MS = 200;

/**
 * Does something in a turn of its own, while no other hold, sweep or erasure is at work, in whatever
 * process. A hold does not wait for an erasure: what that is about can no longer be kept.
 *
 * @throws LedgerlineError `KEEPING_BUSY`
 */
export async function inTurn<T>(
  clickhouse: ClickHouse,
  work: KeepingWork,
  run: (turn: Turn) => Promise<T>,
  waiting: Waiting = {},
): Promise<T> {
  const turn = await take(clickhouse, work, waiting);
  try {
    return await run(turn);
  } finally {
    await turn.end();
  }
}

/** A turn, from when it was taken until it is ended or runs out. */
export class Turn {
  readonly #clickhouse: ClickHouse;
  readonly #claim: Claim;
  readonly #renewing: NodeJS.Timeout;
  /** By this process's clock, which began to count before the engine's did. */
  #untilMs: number;

  constructor(clickhouse: ClickHouse, claim: Claim, sentMs: number) {
    this.#clickhouse = clickhouse;
    this.#claim = claim;
    this.#untilMs = sentMs + LEASE_MS;
    this.#renewing = setInterval(() => void this.#renew(), RENEW_MS).unref();
  }

  /** Of all turns, counted from 1. */
  get number(): number {
    return this.#claim.turn;
  }

  /** Right before each statement: a process that slept too long must not go on. @throws `KEEPING_BUSY` */
  assertMine(): void {
    if (performance.now() < this.#untilMs - MARGIN_MS) return;
    throw new LedgerlineError('KEEPING_BUSY', 'The turn ran out before the work was done.', {
      hint: 'ClickHouse did not answer for long, or this process slept. What was done stands: run it again.',
    });
  }

  async end(): Promise<void> {
    clearInterval(this.#renewing);
    // What is not ended runs out.
    await write(this.#clickhouse, this.#claim, { ended: true }).catch(() => undefined);
  }

  async #renew(): Promise<void> {
    const sentMs = performance.now();
    const renewed = await write(this.#clickhouse, this.#claim, {}).then(
      () => true,
      () => false,
    );
    // Later than that, another may have found it over.
    if (renewed && performance.now() < this.#untilMs) this.#untilMs = sentMs + LEASE_MS;
  }
}

interface Claim {
  readonly turn: number;
  readonly holder: string;
  readonly work: KeepingWork;
}

async function take(
  clickhouse: ClickHouse,
  work: KeepingWork,
  { signal, onWait }: Waiting,
): Promise<Turn> {
  const deadline = performance.now() + WAIT_MS;
  for (let waits = false; ; waits = true) {
    signal?.throwIfAborted();
    const sentMs = performance.now();
    const last = await lastTurn(clickhouse);
    if (last === undefined || !last.lasts) {
      const claim = { turn: Number(last?.turn ?? 0) + 1, holder: randomUUID(), work };
      await write(clickhouse, claim, { token: `turn/${claim.turn}` });
      if ((await lastTurn(clickhouse))?.holder === claim.holder) {
        return new Turn(clickhouse, claim, sentMs);
      }
      continue;
    }
    if (work === 'hold' && last.work === 'erasure') throw erasing();
    if (sentMs > deadline) throw busy(last.work);
    if (!waits) onWait?.(last.work);
    await pause(LOOK_MS, undefined, signal && { signal });
  }
}

async function lastTurn(
  clickhouse: ClickHouse,
): Promise<
  { turn: string; holder: string; work: KeepingWork; lasts: boolean | number } | undefined
> {
  const [row] = await clickhouse.query<{
    turn: string;
    holder: string;
    work: KeepingWork;
    lasts: boolean | number;
  }>(
    `SELECT turn, any(holder) AS holder, any(work) AS work, max(until) > now64(3) AND NOT max(ended) AS lasts
     FROM audit_turns GROUP BY turn ORDER BY turn DESC LIMIT 1`,
  );
  return row;
}

/** Of two claims to one turn, which bear the same token, the engine keeps the first. */
const write = (
  clickhouse: ClickHouse,
  { turn, holder, work }: Claim,
  { token, ended = false }: { readonly token?: string; readonly ended?: boolean },
): Promise<void> =>
  clickhouse.command(
    `INSERT INTO audit_turns (turn, holder, work, until, ended)
     VALUES ({turn:UInt64}, {holder:UUID}, {work:String}, now64(3) + toIntervalMillisecond({lease:UInt32}), {ended:Bool})`,
    {
      params: { turn, holder, work, lease: LEASE_MS, ended },
      settings: { async_insert: 0, insert_deduplication_token: token ?? randomUUID() },
    },
  );

const WORDS: Readonly<Record<KeepingWork, string>> = {
  hold: 'A hold is being placed',
  sync: 'Holds are being synced',
  sweep: 'A sweep is at work',
  erasure: 'An erasure is at work',
};

const busy = (work: KeepingWork): LedgerlineError =>
  new LedgerlineError('KEEPING_BUSY', `${WORDS[work]}, and has been for too long to wait.`, {
    hint: 'Nothing was changed. Run it again when that has ended.',
  });

/** A hold comes too late for what an erasure is about. */
export const erasing = (): LedgerlineError =>
  new LedgerlineError(
    'KEEPING_BUSY',
    'An erasure is at work: what it is about cannot be held any more.',
    { hint: 'Nothing is held. Place the hold again when the erasure has ended.' },
  );
