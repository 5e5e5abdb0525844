import type { Counts } from '../../producers/index.ts';
import type { Actions, ServiceReport } from './service.ts';

/** What became of every action of a run that was audited. */
export interface Account {
  /** By outcome. */
  readonly performed: Readonly<Record<string, number>>;
  /** In the topic in the end, by outcome. */
  readonly stored: Readonly<Record<string, number>>;
  /** Still without an answer from Kafka when the last request was answered. */
  readonly pendingBeforeClose: number;
  /** Left on disk by the close; the next start sent it, so that `stored` has it. */
  readonly spooled: number;
  /** What is not stored, by the cause that `ledger.stats()` has. */
  readonly causes: Readonly<Record<string, number>>;
  /** Actions that are neither stored nor counted under a cause, or both. */
  readonly unaccounted: number;
}

const NOTHING: Readonly<Record<string, number>> = {};

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/**
 * Compares what the service did, what its ledger counted, and what is in the topic. Ledgerline's own
 * events are in another category, and left out.
 */
export function accountOf(
  { performed }: ServiceReport,
  { stats, pendingBeforeClose, spooled }: NonNullable<ServiceReport['audit']>,
  stored: Actions,
): Account {
  let unaccounted = 0;
  const causes: Record<string, number> = {};
  for (const [category, done] of Object.entries(performed)) {
    const counts = stats.byCategory[category];
    const there = stored[category] ?? NOTHING;
    const filtered = sum(counts?.filtered ?? NOTHING);
    const missing = sum({ ...counts?.rejected, ...counts?.lost });
    unaccounted += Math.abs(sum(done) - sum(there) - filtered - missing);
    // No level and no sampling takes a failure or a denial: none may hide among what is filtered.
    const outcomes = Object.entries(done).filter(([outcome]) => outcome !== 'success');
    const unsuccessful = outcomes.map(([outcome, n]) => n - (there[outcome] ?? 0));
    unaccounted += Math.max(0, unsuccessful.reduce((total, n) => total + n, 0) - missing);
    for (const [cause, n] of Object.entries(causesOf(counts))) {
      causes[cause] = (causes[cause] ?? 0) + n;
    }
  }
  const own = Object.keys(performed);
  return {
    performed: byOutcome(performed, own),
    stored: byOutcome(stored, own),
    pendingBeforeClose,
    spooled,
    causes,
    unaccounted,
  };
}

function causesOf(counts: Counts | undefined): Record<string, number> {
  const causes = { ...counts?.filtered, ...counts?.rejected, ...counts?.lost };
  return Object.fromEntries(Object.entries(causes).filter(([, count]) => count > 0));
}

/** Several runs as one. */
export function addedUp(accounts: readonly Account[]): Account {
  const total = (of: (account: Account) => number): number =>
    accounts.reduce((sum, account) => sum + of(account), 0);
  return {
    performed: together(accounts.map(({ performed }) => performed)),
    stored: together(accounts.map(({ stored }) => stored)),
    pendingBeforeClose: total(({ pendingBeforeClose }) => pendingBeforeClose),
    spooled: total(({ spooled }) => spooled),
    causes: together(accounts.map(({ causes }) => causes)),
    unaccounted: total(({ unaccounted }) => unaccounted),
  };
}

const byOutcome = (actions: Actions, categories: readonly string[]): Record<string, number> =>
  together(categories.map((category) => actions[category] ?? NOTHING));

function together(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [name, n] of counts.flatMap((each) => Object.entries(each))) {
    total[name] = (total[name] ?? 0) + n;
  }
  return total;
}
