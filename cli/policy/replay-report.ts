import Table from 'cli-table3';
import type { Policy } from '../../schemas/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count, counted, size } from '../terminal.ts';
import { hasLimits, type Past } from './history.ts';
import { narrowerLevels, type Amount, type Replayed } from './replay.ts';

/** What a policy would have kept, against what is stored. */
export interface ReplayReport {
  readonly since: string;
  readonly until: string;
  readonly categories: readonly Replayed[];
  readonly total: Omit<Replayed, 'category'>;
  /** What no replay can know. */
  readonly caveats: readonly string[];
}

export function totalOf(categories: readonly Replayed[]): Omit<Replayed, 'category'> {
  const sum = (of: (one: Replayed) => number): number =>
    categories.reduce((all, one) => all + of(one), 0);
  const amount = (of: (one: Replayed) => Amount): Amount => ({
    events: sum((one) => of(one).events),
    bytes: sum((one) => of(one).bytes),
    storage: sum((one) => of(one).storage),
  });
  return {
    happened: sum(({ happened }) => happened),
    today: amount(({ today }) => today),
    replayed: amount(({ replayed }) => replayed),
  };
}

/** What the answer leaves out, in sentences. */
export function caveatsOf(policy: Policy, past: Past): string[] {
  const narrower = narrowerLevels(policy, past.levels).map(
    (level) =>
      `${counted(past.levels[level] ?? 0, 'event')} recorded under the level ${level}, which kept less than ${policy.level}: what it did not keep is not in the ledger and not in this answer.`,
  );
  const undecided = past.levels[''] ?? 0;
  const causes = Object.entries(past.notStored).filter(([, events]) => events > 0);
  const lost =
    causes.length === 0
      ? 'No producer reported in this time what it did not store: whatever was filtered at the edge then is not in this answer.'
      : `Not stored, and so not in this answer, as producers that reported in this time count since their start: ${causes.map(([cause, events]) => `${cause} ${count(events)}`).join(', ')}.`;
  return [
    ...narrower,
    ...(undecided === 0
      ? []
      : [
          `${counted(undecided, 'event')} that came past every policy (imports, ledgerline emit) left out.`,
        ]),
    lost,
    'Where events were sampled, or would be, the figures are estimates: what is stored times its weight, times the share that is kept.',
    ...(hasLimits(policy)
      ? [
          'Limits are replayed second by second as if one process had recorded everything; each process of a service has buckets of its own, so that more would be kept.',
        ]
      : []),
    'Storage is shared out by bytes at what a row takes on disk today, all columns compressed together.',
  ];
}

const HEAD = [
  'category',
  'happened',
  'events today',
  'then',
  'bytes today',
  'then',
  'storage today',
  'then',
  '',
];

export function replayTable({ categories, total }: ReplayReport): string {
  const table = new Table({
    head: HEAD.map((name) => answerColours.bold(name)),
    colAligns: HEAD.map((_, index) => (index === 0 ? ('left' as const) : ('right' as const))),
    style: { head: [], border: [], compact: true },
  });
  for (const one of categories) table.push(cells(safeText(one.category), one));
  if (categories.length > 1) table.push(cells('all', total));
  return table.toString();
}

const cells = (
  name: string,
  { happened, today, replayed }: Omit<Replayed, 'category'>,
): string[] => [
  name,
  count(Math.round(happened)),
  count(today.events),
  count(Math.round(replayed.events)),
  size(today.bytes),
  size(replayed.bytes),
  size(today.storage),
  size(replayed.storage),
  change(today.events, replayed.events),
];

function change(from: number, to: number): string {
  if (from === 0) return '';
  const percent = Math.round((to / from - 1) * 100);
  return percent > 0 ? `+${percent} %` : `${percent} %`;
}
