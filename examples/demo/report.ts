import pc from 'picocolors';
import { isSound, type Account, type Figures } from './figures.ts';
import type { Answered } from './questions.ts';
import { count } from './progress.ts';
import type { Run } from './run.ts';

/** What a row of the audit table took in the API gateway's Postgres. */
const POSTGRES_BYTES = 830;

type Colours = ReturnType<typeof pc.createColors>;
type Cell = string | number;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Columns as wide as their widest cell; numbers to the right. */
function columns(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  c: Colours,
): string[] {
  const text = (cell: Cell): string => (typeof cell === 'number' ? count(cell) : cell);
  const right = head.map(
    (_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === 'number'),
  );
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => text(row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) =>
        right[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [c.dim(line(head)), ...rows.map((row) => line(row.map(text)))];
}

function accounts({ categories, ...all }: Figures, c: Colours): string[] {
  const row = (name: string, each: Account): Cell[] => [
    name,
    each.emitted,
    each.kept,
    each.filtered,
    each.sampledOut,
    each.stored,
  ];
  const head = ['category', 'emitted', 'kept', 'filtered', 'sampled out', 'stored'];
  const rows = Object.entries(categories)
    .toSorted(([, a], [, b]) => b.emitted - a.emitted)
    .map(([name, each]) => row(name, each));
  const lines = columns(head, [...rows, row('all', all)], c);
  return [...lines.slice(0, -1), c.bold(lines.at(-1) ?? '')];
}

function verdict(figures: Figures, c: Colours): string {
  const { kept, stored, missing, doubled, quarantined, rejected } = figures;
  const numbers = `${count(stored)} stored, ${count(missing)} missing, ${count(doubled)} doubled, ${count(quarantined)} quarantined`;
  if (isSound(figures)) {
    return c.green(`✔ Each of the ${count(kept)} events kept is in the ledger once: ${numbers}.`);
  }
  return c.red(
    `✘ The ledger is NOT what was kept: ${count(kept)} kept, ${numbers}, ${count(rejected)} rejected.`,
  );
}

function question({ asks, sql, params, rows }: Answered, number: number, c: Colours): string[] {
  const names = Object.keys(rows[0] ?? {});
  // 64-bit counts arrive as text; a name may be all digits too, but not a whole column of them.
  const counts = new Set(
    names.filter((name) => rows.every((row) => /^(0|[1-9]\d{0,14})$/.test(String(row[name])))),
  );
  const cell = (name: string, value: unknown): Cell =>
    counts.has(name) ? Number(value) : String(value);
  const bound = Object.entries(params).map(([name, value]) => `${name} = ${value}`);
  const answer =
    rows.length === 0
      ? ['(nobody and nothing)']
      : columns(
          names,
          rows.map((row) => names.map((name) => cell(name, row[name]))),
          c,
        );
  return [
    c.bold(`${number}. ${asks}`),
    ...sql.split('\n').map((line) => c.dim(`     ${line}`)),
    c.dim(`     -- ${bound.join(', ')}`),
    ...answer.map((line) => `   ${line}`),
    '',
  ];
}

/** Everything that the demo found, for people. */
export function reportLines(run: Run, tookMs: number, coloured: boolean): string[] {
  const c = pc.createColors(coloured);
  const { figures, traffic, killed, answers } = run;
  const { rowsPerSecond, bytesPerEvent, filtered, emitted } = figures;
  const share = ((100 * filtered) / emitted).toFixed(0);
  const smaller = (POSTGRES_BYTES / bytesPerEvent).toFixed(1);
  return [
    '',
    c.bold('What the control panel said, and what the ledger has'),
    '',
    ...accounts(figures, c),
    '',
    verdict(figures, c),
    '',
    `  traffic   ${count(traffic.sent)} requests: ${count(traffic.succeeded)} succeeded, ${count(traffic.denied)} denied, ${count(traffic.failed)} failed on purpose`,
    `  policy    ${run.level} filtered ${share}% in the panel, before anything was sent`,
    `  fault     a worker (pid ${killed.pid}) was killed by SIGKILL with ${count(killed.storedBefore)} rows stored; the other had stored the rest ${seconds(killed.storedAfterMs)} later`,
    `  speed     ${count(rowsPerSecond)} rows a second from first insert to last, paced by the requests and the takeover (npm run bench -- pipeline has the limit)`,
    `  storage   ${bytesPerEvent} bytes per event on disk after OPTIMIZE … FINAL; the gateway's Postgres table took ${POSTGRES_BYTES}, ${smaller} times as much`,
    `  time      ${seconds(tookMs)} from nothing to here`,
    '',
    c.bold('Five questions an auditor would ask'),
    '',
    ...answers.flatMap((each, index) => question(each, index + 1, c)),
  ];
}

/** The figures as one line for machines; these names in this order, further ones after them. */
export function jsonLine({ figures, traffic, killed, level }: Run, tookMs: number): string {
  const { emitted, kept, filtered, sampledOut, stored, missing, doubled, quarantined } = figures;
  const { rowsPerSecond, bytesPerEvent, rejected, categories } = figures;
  return JSON.stringify({
    emitted,
    kept,
    filtered,
    sampledOut,
    stored,
    missing,
    doubled,
    quarantined,
    rowsPerSecond,
    bytesPerEvent,
    rejected,
    level,
    categories,
    traffic,
    killed,
    tookMs,
  });
}
