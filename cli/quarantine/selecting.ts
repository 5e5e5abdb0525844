import { InvalidArgumentError } from 'commander';
import {
  formatMessageId,
  parseMessageId,
  type QuarantineStore,
  type ResolutionState,
  type Selection,
} from '../../consumers/index.ts';
import { UsageError } from '../failure.ts';
import { timeOf } from '../policy/period.ts';

/** What a worker may say of a message; docs/delivery.md has the same table. */
const REASONS: readonly string[] = [
  'tombstone',
  'too_large',
  'not_json',
  'not_one_object',
  'duplicate_keys',
  'forged',
  'future_version',
  'invalid',
  'expired',
  'duplicate',
  'refused',
  'accepted_loss',
];

/** They travel in a request's address, whose length servers bound. */
const MAX_IDS = 100;

export interface Filters {
  readonly fault?: readonly string[];
  readonly topic?: string;
  readonly partition?: number;
  readonly since?: string;
  readonly until?: string;
}

/** For an option that is given several times, or once with commas. */
export function faults(text: string, before: readonly string[] = []): string[] {
  const named = text.split(',').map((one) => one.trim());
  const unknown = named.find((one) => !REASONS.includes(one));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`It is one or more of ${REASONS.join(', ')}.`);
  }
  return [...before, ...named];
}

/** A whole number of an option. */
export const wholeNumber =
  (most: number, least = 0) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d{1,12}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };

/** @throws UsageError for what is no time, or a period that ends before it begins */
export function filtered(filters: Filters, state: ResolutionState | 'all'): Selection {
  const now = Date.now();
  const sinceMs = filters.since === undefined ? undefined : timeOf('--since', filters.since, now);
  const untilMs = filters.until === undefined ? undefined : timeOf('--until', filters.until, now);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    throw new UsageError('--since is not before --until.', 'Swap them, or leave one out.');
  }
  return {
    reasons: filters.fault,
    topic: filters.topic,
    partition: filters.partition,
    sinceMs,
    untilMs,
    state: state === 'all' ? undefined : state,
  };
}

const isNarrowed = ({ fault, topic, partition, since, until }: Filters): boolean =>
  [fault, topic, partition, since, until].some((one) => one !== undefined);

/**
 * What replay and discard are about: the messages that are named, or all open ones that the filters
 * leave, of those in quarantine by now.
 *
 * @throws UsageError where neither or both are given; LedgerlineError QUARANTINE_UNKNOWN
 */
export async function chosen(
  store: QuarantineStore,
  ids: readonly string[],
  filters: Filters & { readonly all?: true },
): Promise<Selection> {
  if (ids.length === 0) {
    const selection = filtered(filters, 'open');
    // What comes into quarantine meanwhile, by this very replay for instance, is for another time.
    return { ...selection, untilMs: selection.untilMs ?? Date.now() };
  }
  const positions = await store.positions(ids.map(parseMessageId));
  return { positions, state: 'open' };
}

/** @throws UsageError before anything is asked of anyone */
export function checkChoice(
  ids: readonly string[],
  filters: Filters & { readonly all?: true },
): void {
  const narrowed = isNarrowed(filters);
  if (ids.length > 0 && (narrowed || filters.all)) {
    throw new UsageError('Ids and filters are given.', 'Give either.');
  }
  if (ids.length === 0 && !narrowed && !filters.all) {
    throw new UsageError(
      'Which messages?',
      'Give their ids, filters (--fault, --since, --partition …), or --all.',
    );
  }
  if (ids.length > MAX_IDS) {
    throw new UsageError(
      `More than ${MAX_IDS} ids.`,
      'Use filters: --fault, --since, --partition ….',
    );
  }
  ids.forEach(parseMessageId);
}

/** A selection as events of the ledger tell it. Pure. */
export function described({
  positions,
  reasons,
  topic,
  partition,
  sinceMs,
  untilMs,
  state,
}: Selection): Record<string, unknown> {
  const instant = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  const all = {
    ids: positions?.slice(0, 100).map((one) => formatMessageId(one)),
    reasons,
    topic,
    partition,
    since: instant(sinceMs),
    until: instant(untilMs),
    state: state ?? 'all',
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
