import type { Counts, LedgerStats } from 'ledgerline';
import type { ClickHouse } from 'ledgerline/clickhouse';
import type { VerifyReport } from 'ledgerline/consumers';

/** What became of the events of one category, or of all. */
export interface Account {
  readonly emitted: number;
  readonly kept: number;
  readonly filtered: number;
  readonly sampledOut: number;
  readonly rejected: number;
  /** Different events in the ledger. */
  readonly stored: number;
}

export interface Figures extends Account {
  /** Kept, and in neither table. */
  readonly missing: number;
  /** Rows beyond the first of any event or offset. */
  readonly doubled: number;
  readonly quarantined: number;
  /** Stored rows by the time from the first insert to the last: the takeover is in it. */
  readonly rowsPerSecond: number;
  /** Of the parts on disk, indexes and marks included, after OPTIMIZE … FINAL. */
  readonly bytesPerEvent: number;
  readonly categories: Readonly<Record<string, Account>>;
}

/** The one cause for which `weight` makes up: what it filters is estimated by the ledger's totals. */
const SAMPLED = 'sampled_out';

/** Ledgerline's own events, which come at any time: how many there are is not what is asked here. */
const OWN = 'ledger';

function accountOf(counts: Counts, stored: number): Account {
  const filtered: Readonly<Record<string, number>> = counts.filtered;
  const sampledOut = filtered[SAMPLED] ?? 0;
  return {
    emitted: counts.emitted,
    kept: counts.accepted,
    filtered: sum(filtered) - sampledOut,
    sampledOut,
    rejected: sum(counts.rejected),
    stored,
  };
}

const totalOf = (accounts: readonly Account[]): Account => {
  const total = (of: keyof Account): number =>
    accounts.reduce((sum, account) => sum + account[of], 0);
  return {
    emitted: total('emitted'),
    kept: total('kept'),
    filtered: total('filtered'),
    sampledOut: total('sampledOut'),
    rejected: total('rejected'),
    stored: total('stored'),
  };
};

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Holds what the panel counted against what the ledger has and what `verify` found. */
export async function takeFigures(
  clickhouse: ClickHouse,
  stats: LedgerStats,
  verified: VerifyReport,
): Promise<Figures> {
  const byCategory = await clickhouse.query<{ category: string; events: string; rows: string }>(
    `SELECT category, uniqExact(event_id) AS events, count() AS rows
     FROM audit_events WHERE category != {own:String} GROUP BY category`,
    { params: { own: OWN } },
  );
  const eventsOf = new Map(byCategory.map(({ category, events }) => [category, Number(events)]));
  const rows = byCategory.reduce((total, each) => total + Number(each.rows), 0);
  const { missing, doubled, quarantined } = verified.totals;
  const categories = Object.entries(stats.byCategory)
    .filter(([name, counts]) => counts.emitted > 0 && name !== OWN)
    .map(([name, counts]): [string, Account] => [name, accountOf(counts, eventsOf.get(name) ?? 0)]);
  const all = totalOf(categories.map(([, account]) => account));
  return {
    ...all,
    missing: Math.max(missing, all.kept - all.stored - quarantined),
    doubled: Math.max(doubled, rows - all.stored),
    quarantined,
    rowsPerSecond: Math.round(rows / (await secondsOfIngest(clickhouse))),
    bytesPerEvent: await bytesPerEvent(clickhouse),
    categories: Object.fromEntries(categories),
  };
}

/** Nothing rejected, lost or doubled, and the counters add up. */
export const isSound = (figures: Figures): boolean => {
  const { emitted, kept, filtered, sampledOut, rejected, stored, missing, doubled } = figures;
  return (
    emitted === kept + filtered + sampledOut + rejected &&
    stored === kept &&
    missing === 0 &&
    doubled === 0
  );
};

async function secondsOfIngest(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ ms: string }>(
    `SELECT dateDiff('millisecond', min(ingested_at), max(ingested_at)) AS ms FROM audit_events`,
  );
  return Math.max(1, Number(row?.ms)) / 1000;
}

const OPTIMIZE_TIMEOUT_MS = 60_000;

async function bytesPerEvent(clickhouse: ClickHouse): Promise<number> {
  await clickhouse.command('OPTIMIZE TABLE audit_events FINAL', { timeoutMs: OPTIMIZE_TIMEOUT_MS });
  const [row] = await clickhouse.query<{ bytes: number }>(
    `SELECT sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts
     WHERE database = {database:String} AND table = 'audit_events' AND active`,
    { params: { database: clickhouse.database } },
  );
  return Math.round(Number(row?.bytes));
}
