import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerlineError } from '../schemas/index.ts';
import type { Child } from './child.ts';
import { lastLines } from './last-lines.ts';

const PROBE_EVERY_MS = 50;
const STOP_TIMEOUT_MS = 5000;

export interface Starting {
  readonly what: string;
  readonly address: string;
  readonly child: Child;
  readonly timeoutMs: number;
  /** Whether the part serves; asked again and again. */
  probe(): Promise<boolean>;
  /** The file that says why, when it does not start. */
  readonly log: string;
}

/**
 * Resolves when the probe says yes. A part that ends meanwhile, or that does not answer in time,
 * is stopped, and the error quotes the end of its log.
 *
 * @throws LedgerlineError LOCAL_START_FAILED
 */
export async function waitUntilReady(starting: Starting): Promise<void> {
  const deadline = Date.now() + starting.timeoutMs;
  let ended = false;
  void starting.child.exited.then(() => (ended = true));
  while (!ended && Date.now() < deadline) {
    if (await starting.probe()) return;
    await Promise.race([delay(PROBE_EVERY_MS), starting.child.exited]);
  }
  const exit = await starting.child.stop(STOP_TIMEOUT_MS);
  const how = ended
    ? `ended with ${exit.code ?? exit.signal}`
    : `did not answer within ${starting.timeoutMs / 1000} s`;
  const why = lastLines(await readFile(starting.log, 'utf8').catch(() => ''));
  throw new LedgerlineError(
    'LOCAL_START_FAILED',
    `${starting.what} on ${starting.address} ${how}${why && `: ${why}`}`,
    { hint: `Its log is ${starting.log}` },
  );
}
