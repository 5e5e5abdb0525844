import { readFileSync, unwatchFile, watchFile, type StatsListener } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { LedgerlineError, type Policy } from '../../schemas/index.ts';
import { policyInvalid, readPolicy, type Locate } from './document.ts';

/** A policy as a file has it. */
export interface PolicyText {
  readonly policy: Policy;
  readonly locate: Locate;
}

/**
 * Reads a policy file at a service's start, where waiting does no harm.
 *
 * @throws LedgerlineError `POLICY_INVALID`, with every fault, its line and column
 */
export function readPolicyFile(file: string): PolicyText {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
  return policyIn(file, text);
}

function policyIn(file: string, text: string): PolicyText {
  const read = readPolicy(text);
  if (read.ok) return read;
  throw policyInvalid(file, read.faults);
}

const unreadable = (file: string, cause: unknown): LedgerlineError =>
  new LedgerlineError('POLICY_INVALID', `The policy file ${file} cannot be read.`, {
    hint: 'Name a file that exists and that this process may read.',
    cause,
  });

interface WatchOptions {
  /** A new version. What it throws is a fault of that version. */
  readonly onPolicy: (found: PolicyText) => void;
  /** It cannot be read, or not be used. Told once for each version. */
  readonly onRefused: (error: unknown) => void;
  readonly intervalMs?: number;
}

/**
 * Follows a policy file: asks once a second whether it is another one, since notifications of file
 * systems are lost in containers and on network drives; and at once on SIGHUP. Does not keep the
 * process alive.
 */
export function watchPolicyFile(
  file: string,
  { onPolicy, onRefused, intervalMs = 1_000 }: WatchOptions,
): Disposable {
  let isWatching = true;
  let lastSeen: string | undefined = undefined;
  let reading = Promise.resolve();
  const look = async (): Promise<void> => {
    let seen: string;
    try {
      seen = await readFile(file, 'utf8');
    } catch (error) {
      if (!isWatching || lastSeen === UNREADABLE) return;
      lastSeen = UNREADABLE;
      onRefused(unreadable(file, error));
      return;
    }
    // A ledger that was closed meanwhile takes no more policies.
    if (!isWatching || seen === lastSeen) return;
    lastSeen = seen;
    try {
      onPolicy(policyIn(file, seen));
    } catch (error) {
      onRefused(error);
    }
  };
  // One after the other: an older reading must not overtake a newer one.
  const lookAgain = (): void => void (reading = reading.then(look));
  const onStat: StatsListener = () => lookAgain();
  watchFile(file, { interval: intervalMs, persistent: false }, onStat);
  process.on('SIGHUP', lookAgain);
  // It may have changed since it was read at the start.
  lookAgain();
  return {
    [Symbol.dispose]: () => {
      isWatching = false;
      unwatchFile(file, onStat);
      process.off('SIGHUP', lookAgain);
    },
  };
}

/** No policy has this text. */
const UNREADABLE = '\0';
