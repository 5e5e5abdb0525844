import { formatMessageId, parseMessageId } from '../../consumers/quarantine/message-id.ts';
import type { QuarantineStore, ResolutionState, Selection } from '../../consumers/index.ts';
import { UsageError } from '../failure.ts';
import { timeOf } from '../policy/period.ts';
import type { Filters } from './options.ts';

/** They travel in a request's address, whose length servers bound. */
const MAX_IDS = 100;

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
