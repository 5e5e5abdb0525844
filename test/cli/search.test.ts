import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { eventLine } from '../../cli/search/event-line.ts';
import { eventPage } from '../../cli/search/event-page.ts';
import { safeJson } from '../../cli/search/json.ts';
import { safeText } from '../../cli/safe-text.ts';
import { pagerOf } from '../../cli/search/pager.ts';
import { lineOf, paint } from '../../cli/search/painted.ts';
import { relativeTime } from '../../cli/search/times.ts';
import { decodeRow } from '../../schemas/index.ts';
import { daysAgo, type Ledger, openLedger, row } from '../clickhouse/support.ts';
import { until } from '../support/until.ts';
import { CLI, type Ran, runCli } from './run-cli.ts';

// Each starts Node once or more: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 });

const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u202egnp.exe\u0000\u009b31m<b>=1+1';
const ID = '0198c0de-0000-7000-8000-0000000000aa';

let ledger: Ledger;

const environment = (): Record<string, string> => ({
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
  TZ: 'Europe/Berlin',
});
const ledgerline = (...args: string[]): Promise<Ran> => runCli(args, { env: environment() });

const denied = (fields: object = {}) =>
  row({
    tenant_id: 'acme',
    event_type: 'authorization.access.denied',
    category: 'authorization',
    retention_class: 'protected',
    outcome: 'denied',
    severity: 'high',
    actor_name: HOSTILE,
    target_type: 'app',
    target_id: 'app-7',
    reason: HOSTILE,
    message: `it's "quoted" ${HOSTILE}`,
    attributes: { [HOSTILE]: HOSTILE },
    changes: [{ op: 'replace', path: '/phone', old: '"1"', new: JSON.stringify(HOSTILE) }],
    data: JSON.stringify({ [HOSTILE]: HOSTILE }),
    ...fields,
  });

beforeAll(async () => {
  ledger = await openLedger();
  await ledger.insert([
    denied({ event_id: ID, occurred_at: daysAgo(1) }),
    denied({ occurred_at: daysAgo(2) }),
    row({ tenant_id: 'globex', occurred_at: daysAgo(3) }),
    row({ tenant_id: 'acme', occurred_at: daysAgo(4), weight: 10 }),
  ]);
});
afterAll(() => ledger.close());

/** What a terminal would obey, line ends apart. */
const obeyed = (text: string): string[] =>
  Array.from(text).filter((character) => character !== '\n' && safeText(character) !== character);

describe('ledgerline query', () => {
  it.each(['csv', 'ndjson', 'json'])(
    'prints %s as it is to a program, and to a terminal nothing that it would obey',
    async (format) => {
      const sql = `SELECT actor_name FROM audit_events WHERE event_id = '${ID}'`;
      const args = ['query', sql, '--format', format];
      const piped = await ledgerline(...args);
      expect([piped.code, piped.stderr]).toEqual([0, '']);
      expect(obeyed(piped.stdout)).not.toEqual([]);
      // script, of util-linux, gives what it runs a terminal.
      const words = [process.execPath, CLI, ...args].map(
        (word) => `'${word.replaceAll("'", String.raw`'\''`)}'`,
      );
      const terminal = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], LEDGERLINE_RECORD_READS: 'off', ...environment() },
      });
      const shown: Buffer[] = [];
      terminal.stdout.on('data', (chunk: Buffer) => shown.push(chunk));
      expect(await once(terminal, 'close')).toEqual([0, null]);
      const text = Buffer.concat(shown).toString().replaceAll('\r\n', '\n');
      expect(text).toContain('owned');
      expect(obeyed(text)).toEqual([]);
    },
  );
});

describe('R-ASK-01: ledgerline search', () => {
  it('prints a line an event, newest first, and nothing that a terminal would obey', async () => {
    const { code, stdout, stderr } = await ledgerline('search', 'since:30d');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('authorization.access.denied');
    expect(lines[0]).toContain('→ app/app-7');
    expect(lines[0]).toContain(ID);
    expect(obeyed(stdout)).toEqual([]);
  });

  it('keeps to the tenant, the limit and the order', async () => {
    const acme = ['--tenant', 'acme'];
    const [one, none, both] = await Promise.all([
      ledgerline('search', '', ...acme, '--limit', '2', '--order', 'oldest'),
      ledgerline('search', 'tenant:globex', ...acme),
      ledgerline('search', '', ...acme, '--tenant', 'globex', '--count'),
    ]);
    expect(one.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(one.stdout).toContain('×10');
    expect(one.stderr).toContain('there are more');
    expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'no events\n']);
    expect(both.stdout).toBe('≈ 13 ± 19\n');
  });

  it('prints events whole as NDJSON', async () => {
    const { stdout } = await ledgerline('search', 'outcome:denied', '--json');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; reason: string });
    expect(events.map(({ id }) => id)[0]).toBe(ID);
    expect(events[0]?.reason).toBe(HOSTILE);
    expect(obeyed(stdout)).toEqual([]);
  });

  it('prints SQL that ledgerline query runs', async () => {
    const { stdout } = await ledgerline(
      'search',
      'outcome:denied "it\'s" -message:"\u202e x"',
      '--sql',
    );
    expect(obeyed(stdout)).toEqual([]);
    const ran = await ledgerline('query', stdout, '--json');
    expect(ran.code).toBe(0);
    expect(
      (JSON.parse(ran.stdout) as { event_id: string }[]).map(({ event_id }) => event_id),
    ).toContain(ID);
  });

  it('shows where a query is wrong, and asks nothing', async () => {
    const { code, stdout, stderr } = await ledgerline('search', 'outcome:denied actr:u_7');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      '  outcome:denied actr:u_7',
      '                 ^^^^',
    ]);
    expect(stderr).toContain('at character 16: there is no such field. Did you mean actor:?');
  });

  it('refuses what is no option, no time zone, no limit', async () => {
    const ran = await Promise.all([
      ledgerline('search', '--limit', '0'),
      ledgerline('search', '--time-zone', 'Mars/Base'),
      ledgerline('search', 'a', 'b'),
    ]);
    expect(ran.map(({ code }) => code)).toEqual([2, 2, 2]);
  });
});

describe('R-ASK-01: ledgerline show', () => {
  it('shows one event whole, its changes as a diff', async () => {
    const { code, stdout } = await ledgerline('show', ID);
    expect(code).toBe(0);
    expect(stdout).toContain('  /phone replace\n    - "1"\n    + "');
    expect(stdout).toContain('Europe/Berlin (1 d ago)');
    expect(obeyed(stdout)).toEqual([]);
    const json = await ledgerline('show', ID, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ id: ID, actor: { name: HOSTILE } });
  });

  it('ends with 1 where there is none, also of another tenant, and with 2 for what is no id', async () => {
    const ran = await Promise.all([
      ledgerline('show', ID, '--tenant', 'globex'),
      ledgerline('show', 'nonsense'),
    ]);
    expect(ran.map(({ code }) => code)).toEqual([1, 2]);
  });
});

describe('R-ASK-01: ledgerline facets', () => {
  it('counts values, sampling undone', async () => {
    const { stdout } = await ledgerline(
      'facets',
      '',
      '-f',
      'category',
      '-f',
      'actor.name',
      '--tenant',
      'acme',
    );
    expect(stdout).toContain('≈ 12 ± 19 events');
    expect(stdout).toMatch(/≈ 10 ± 19 █+ +app/);
    expect(obeyed(stdout)).toEqual([]);
    const { stdout: json } = await ledgerline('facets', '', '-f', 'outcome', '--json');
    expect(JSON.parse(json)).toMatchObject([
      { field: 'outcome', values: [{ value: 'unknown' }, { value: 'denied', stored: 2 }] },
    ]);
  });
});

describe('R-ASK-02: ledgerline history', () => {
  it('shows a target’s events oldest first, each with its diff', async () => {
    const [shown, none, wrong] = await Promise.all([
      ledgerline('history', 'app/app-7'),
      ledgerline('history', 'app/app-7', '--tenant', 'globex'),
      ledgerline('history', 'app-7'),
    ]);
    expect(shown.code).toBe(0);
    expect(shown.stdout.match(/authorization\.access\.denied/g)).toHaveLength(2);
    expect(shown.stdout.match(/ {2}\/phone replace\n {4}- "1"\n {4}\+ "/g)).toHaveLength(2);
    expect(shown.stdout.trimEnd().split('\n').at(-4)).toContain(ID);
    expect(obeyed(shown.stdout)).toEqual([]);
    expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'no events of this target\n']);
    expect(wrong.code).toBe(2);
  });
});

describe('R-ASK-05: ledgerline tail', () => {
  it('shows the newest, then each further event once, and ends with Ctrl-C', async () => {
    const child = spawn(
      process.execPath,
      [CLI, 'tail', 'outcome:denied', '--json', '-n', '1', '--interval', '0.05'],
      {
        env: { PATH: process.env['PATH'], ...environment() },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const ids = (): string[] =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { id: string }).id);
    await until(
      'it began',
      () => Promise.resolve(ids()),
      (seen) => seen.length === 1,
      20_000,
    );
    expect(ids()).toEqual([ID]);
    const late = [denied(), denied({ occurred_at: daysAgo(3) })];
    await ledger.insert([...late, row()]);
    await until(
      'all are shown',
      () => Promise.resolve(ids()),
      (seen) => seen.length === 3,
      20_000,
    );
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(130);
    expect(new Set(ids().slice(1))).toEqual(new Set(late.map((one) => one['event_id'])));
  });
});

describe('what is shown', () => {
  const event = decodeRow(denied({ event_id: ID }));

  it('fits the screen, whatever the event holds', () => {
    const look = { nowMs: Date.now(), timeZone: 'UTC', columns: 80, showTenant: true };
    const line = eventLine(event, look);
    expect(obeyed(line)).toEqual([]);
    expect(Array.from(line).length).toBeLessThanOrEqual(80);
    expect(lineOf([paint('日本語'), paint('abc')], 7)).toBe('日本語…');
    for (const one of eventPage(event, look)) expect(obeyed(one)).toEqual([]);
  });

  it('is paged as git would, and never into a pipe', () => {
    expect(pagerOf({}, true)).toBe('less');
    expect(pagerOf({ PAGER: 'most -s' }, true)).toBe('most -s');
    expect(pagerOf({ PAGER: '' }, true)).toBeUndefined();
    expect(pagerOf({ PAGER: 'cat' }, true)).toBeUndefined();
    expect(pagerOf({ TERM: 'dumb' }, true)).toBeUndefined();
    expect(pagerOf({ PAGER: 'less' }, false)).toBeUndefined();
  });

  it('is JSON that says the same', () => {
    expect(JSON.parse(safeJson({ a: `${HOSTILE}\n"\\` }))).toEqual({ a: `${HOSTILE}\n"\\` });
  });

  it.each([
    [0, 'now'],
    [90_000, '1 min ago'],
    [7_300_000, '2 h ago'],
    [-5_000, 'in 5 s'],
    [86_400_000 * 400, '13 mo ago'],
  ])('%d ms are %s', (ms, text) => {
    expect(relativeTime(0, ms)).toBe(text);
  });
});
