import * as jsondiffpatch from 'jsondiffpatch';
import * as jsonPatch from 'jsondiffpatch/formatters/jsonpatch';
import microdiff from 'microdiff';
import { createPatch, Pointer } from 'rfc6902';
import { applyChanges, changesBetween, type Change } from '../producers/index.ts';
import { Random } from './events/random.ts';

/**
 * What it costs to tell what changed in a record, against three kept libraries on the same records.
 * What they answer is made into changes first (path as a pointer, old and new value), since that is
 * what an event needs, and each must lead from *before* to *after*.
 */

const RECORDS = 1_000;
const ROUNDS = 31;
const WARM_UP_ROUNDS = 5;

interface Pair {
  readonly before: object;
  readonly after: object;
}

/** A contact as a contact platform keeps it: some sixty values, nested, with lists. */
function contact(random: Random): Record<string, unknown> {
  const word = (): string => random.hex8();
  return {
    id: random.uuid(),
    name: { first: word(), last: word(), title: null },
    email: `${word()}@example.com`,
    phones: Array.from({ length: 3 }, () => ({ kind: 'work', number: word(), verified: false })),
    addresses: Array.from({ length: 2 }, () => ({
      street: word(),
      city: word(),
      country: 'DE',
      geo: { lat: random.fraction(), lon: random.fraction() },
    })),
    tags: Array.from({ length: 5 }, word),
    consent: { mail: true, phone: false, at: '2026-11-22T10:00:00Z', source: word() },
    custom: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`field_${n}`, word()])),
    notes: Array.from({ length: 12 }, word).join(' '),
    score: random.below(100),
  };
}

type Edit = (record: Record<string, unknown>, random: Random) => void;
type Tree = Record<string, Record<string, unknown>>;
type Lists = Record<string, (string | Record<string, unknown>)[]>;

const EDITS: readonly Edit[] = [
  (record, random) => (record['email'] = `${random.hex8()}@example.com`),
  (record, random) =>
    ((record as Tree)['custom'] = {
      ...(record as Tree)['custom'],
      [`field_${random.below(20)}`]: random.hex8(),
    }),
  (record, random) => void (record as Lists)['tags']?.push(random.hex8()),
  (record) => void (record as Lists)['tags']?.pop(),
  (record, random) =>
    Object.assign((record as Lists)['phones']?.[1] ?? {}, { number: random.hex8() }),
  (record) =>
    Object.assign((record as Tree)['consent'] ?? {}, { phone: true, at: '2026-11-23T00:00:00Z' }),
  (record) => delete record['notes'],
  (record, random) => (record['nickname'] = random.hex8()),
];

function pairs(): Pair[] {
  const random = new Random(20_261_122);
  return Array.from({ length: RECORDS }, () => {
    const before = contact(random);
    // Parsed, as records from a database or a request are: nothing is shared with before.
    const after = JSON.parse(JSON.stringify(before)) as Record<string, unknown>;
    // Two edits, of which the second is another than the first.
    const first = random.below(EDITS.length);
    const second = (first + 1 + random.below(EDITS.length - 1)) % EDITS.length;
    for (const edit of [first, second]) EDITS[edit]?.(after, random);
    return { before, after };
  });
}

interface Contender {
  readonly name: string;
  readonly says: string;
  /** The library alone. */
  readonly diff: (pair: Pair) => unknown;
  /** Its answer as changes. */
  readonly changes: (pair: Pair) => Change[];
}

const escaped = (name: string | number): string =>
  String(name).replaceAll('~', '~0').replaceAll('/', '~1');

const patcher = jsondiffpatch.create({ arrays: { detectMove: false } });

/** JSON Patch has no old values: they are looked up. */
const withOld = (before: object, op: Change['op'], path: string, value: unknown): Change =>
  op === 'add'
    ? { op, path, new: value }
    : { op, path, old: Pointer.fromJSON(path).get(before), new: value };

const CONTENDERS: readonly Contender[] = [
  {
    name: 'ledgerline',
    says: 'changesBetween',
    diff: ({ before, after }) => changesBetween(before, after),
    changes: ({ before, after }) => changesBetween(before, after),
  },
  {
    name: 'microdiff',
    says: 'paths as lists, old and new values',
    diff: ({ before, after }) => microdiff(before, after),
    changes: ({ before, after }) =>
      microdiff(before, after).map((difference): Change => {
        const path = difference.path.map((name) => `/${escaped(name)}`).join('');
        switch (difference.type) {
          case 'CREATE':
            return { op: 'add', path, new: difference.value as unknown };
          case 'REMOVE':
            return { op: 'remove', path, old: difference.oldValue as unknown };
          case 'CHANGE':
            return {
              op: 'replace',
              path,
              old: difference.oldValue as unknown,
              new: difference.value as unknown,
            };
        }
      }),
  },
  {
    name: 'rfc6902',
    says: 'JSON Patch, no old values',
    diff: ({ before, after }) => createPatch(before, after),
    changes: ({ before, after }) =>
      createPatch(before, after).map((operation) =>
        withOld(
          before,
          operation.op,
          operation.path,
          'value' in operation ? operation.value : undefined,
        ),
      ),
  },
  {
    name: 'jsondiffpatch',
    says: 'a delta of its own, old and new values',
    diff: ({ before, after }) => patcher.diff(before, after),
    changes: ({ before, after }) =>
      jsonPatch
        .format(patcher.diff(before, after))
        .map((operation) =>
          withOld(
            before,
            operation.op,
            operation.path,
            'value' in operation ? operation.value : undefined,
          ),
        ),
  },
];

/** Every contender's changes must lead from before to after, before it counts how fast they are. */
function check(records: readonly Pair[]): void {
  for (const { name, changes } of CONTENDERS) {
    for (const pair of records) {
      const reached = applyChanges(pair.before, changes(pair));
      if (changesBetween(reached, pair.after).length > 0) {
        throw new Error(`${name}'s changes do not lead from before to after`);
      }
    }
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function usPerRecord(records: readonly Pair[], diff: (pair: Pair) => unknown): number {
  const start = process.hrtime.bigint();
  for (const pair of records) diff(pair);
  return Number(process.hrtime.bigint() - start) / records.length / 1000;
}

interface Figures {
  readonly name: string;
  readonly says: string;
  readonly diffUs: number;
  readonly changesUs: number;
}

function measure(records: readonly Pair[]): Figures[] {
  const times = CONTENDERS.map(() => ({ diff: [] as number[], changes: [] as number[] }));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    // All in every round, so that what slows the machine slows them all.
    CONTENDERS.forEach((contender, index) => {
      const diff = usPerRecord(records, contender.diff);
      const changes = usPerRecord(records, contender.changes);
      if (round < 0) return;
      times[index]?.diff.push(diff);
      times[index]?.changes.push(changes);
    });
  }
  return CONTENDERS.map(({ name, says }, index) => ({
    name,
    says,
    diffUs: rounded(median(times[index]?.diff ?? [])),
    changesUs: rounded(median(times[index]?.changes ?? [])),
  }));
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** `npm run bench -- changes [--json]` */
export function run(args: string[]): Promise<void> {
  const records = pairs();
  check(records);
  const figures = measure(records);
  const own = figures[0]?.changesUs ?? Number.NaN;
  const ratios = figures
    .slice(1)
    .map(({ name, changesUs }): [string, number] => [name, rounded(own / changesUs)]);
  if (args.includes('--json')) {
    const us = Object.fromEntries(
      figures.map(({ name, diffUs, changesUs }) => [name, { diffUs, changesUs }]),
    );
    console.log(
      JSON.stringify({ records: RECORDS, rounds: ROUNDS, us, ratioTo: Object.fromEntries(ratios) }),
    );
    return Promise.resolve();
  }
  for (const { name, says, diffUs, changesUs } of figures) {
    console.log(
      `${name.padEnd(14)}${changesUs} µs a record as changes, ${diffUs} by itself (${says})`,
    );
  }
  return Promise.resolve();
}
