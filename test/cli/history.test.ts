import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { safeText } from '../../cli/safe-text.ts';
import { daysAgo, type Ledger, openLedger, row } from '../clickhouse/support.ts';
import { type Ran, runCli } from './run-cli.ts';

// Each starts Node once or more: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u202egnp.exe\u0000\u009b31m<b>=1+1';
const ID = '0198c0de-0000-7000-8000-0000000000aa';

let ledger: Ledger;

const ledgerline = (...args: string[]): Promise<Ran> =>
  runCli(args, {
    env: {
      LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
      LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
      TZ: 'Europe/Berlin',
    },
  });

const contact = (fields: object) =>
  row({
    tenant_id: 'acme',
    event_type: 'contact.updated',
    category: 'contact',
    operation: 'update',
    outcome: 'success',
    target_type: 'contact',
    target_id: 'c_1',
    ...fields,
  });

beforeAll(async () => {
  ledger = await openLedger();
  const whole = JSON.stringify({ name: HOSTILE, phone: '1' });
  await ledger.insert([
    contact({
      event_type: 'contact.created',
      operation: 'create',
      occurred_at: daysAgo(9),
      changes: [{ op: 'add', path: '', old: '', new: whole }],
    }),
    contact({
      event_id: ID,
      occurred_at: daysAgo(3),
      actor_name: HOSTILE,
      changes: [{ op: 'replace', path: '/phone', old: '"1"', new: '"2"' }],
    }),
    contact({
      target_id: 'c_2',
      occurred_at: daysAgo(4),
      weight: 10,
      changes: [{ op: 'replace', path: `/${HOSTILE}`, old: '"1"', new: '"[masked]"' }],
    }),
    contact({
      target_id: 'c_2',
      occurred_at: daysAgo(2),
      changes: [{ op: 'replace', path: '/phone', old: '"1"', new: '"2"' }],
    }),
    contact({
      target_id: 'c_2',
      occurred_at: daysAgo(1.5),
      changes: [{ op: 'replace', path: '/phone', old: '"2"', new: '"3"' }],
    }),
  ]);
});
afterAll(() => ledger.close());

/** What a terminal would obey, line ends apart. */
const obeyed = (text: string): string[] =>
  Array.from(text).filter((character) => character !== '\n' && safeText(character) !== character);

describe('R-ASK-02: ledgerline state, undo and inventory', () => {
  it('runs every command of the guide', async () => {
    const guide = await readFile(new URL('../../docs/history.md', import.meta.url), 'utf8');
    const block = /```sh\n([^]*?)```/.exec(guide)?.[1] ?? '';
    const commands = block.split('\n').filter((line) => line !== '');
    expect(commands.length).toBeGreaterThan(7);
    for (const command of commands) {
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, word]) => quoted ?? word,
      );
      const { code, stdout, stderr } = await ledgerline(...words.slice(1).map(String));
      expect([command, code]).toEqual([command, 0]);
      expect(obeyed(stdout + stderr)).toEqual([]);
    }
  });

  it('shows a record, how sure it is, and what is not known', async () => {
    const [now, then, unsure, nobody] = await Promise.all([
      ledgerline('state', 'contact/c_1', '--json'),
      ledgerline('state', 'contact/c_1', '--at', '5d', '--json'),
      ledgerline('state', 'contact/c_2'),
      ledgerline('state', 'contact/c_3'),
    ]);
    expect(JSON.parse(now.stdout)).toMatchObject({
      record: { name: HOSTILE, phone: '2' },
      certain: true,
    });
    expect(JSON.parse(then.stdout)).toMatchObject({ record: { phone: '1' }, events: 1 });
    expect(unsure.stdout).toContain('not all is certain');
    expect(unsure.stdout).toContain('redacted: the ledger never held it');
    expect(unsure.stdout).toContain('stands for several events');
    expect(obeyed(unsure.stdout)).toEqual([]);
    expect([nobody.code, nobody.stdout]).toEqual([1, expect.stringContaining('is not known')]);
  });

  it('prints the way back as a diff, a patch and a line for emit', async () => {
    const [diff, patch, event] = await Promise.all([
      ledgerline('undo', ID),
      ledgerline('undo', ID, '--patch'),
      ledgerline('undo', 'contact/c_1', '--to', '5d', '--event', '--actor', 'user/u_7'),
    ]);
    expect(diff.stdout).toContain('contact/c_1 goes back by');
    expect(JSON.parse(patch.stdout)).toEqual([
      { op: 'test', path: '/phone', value: '2' },
      { op: 'replace', path: '/phone', value: '1' },
    ]);
    expect(JSON.parse(event.stdout)).toMatchObject({
      type: 'contact.updated',
      tenant: 'acme',
      actor: { type: 'user', id: 'u_7' },
      changes: [{ op: 'replace', path: '/phone', old: '2', new: '1' }],
    });
  });

  it('refuses with 1 what later events changed, and with 2 what is asked wrongly', async () => {
    const listed = await ledgerline('history', 'contact/c_2', '--json');
    const [masked, middle] = listed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    const [conflict, unknown, wrong, absurd] = await Promise.all([
      ledgerline('undo', String(middle)),
      ledgerline('undo', String(masked)),
      ledgerline('undo', 'contact/c_1'),
      ledgerline('state', 'contact/c_1', '--at', 'someday'),
    ]);
    expect([conflict.code, conflict.stderr]).toEqual([1, expect.stringContaining('later events')]);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('(redacted)')]);
    expect(obeyed(unknown.stderr)).toEqual([]);
    expect([wrong.code, absurd.code]).toEqual([2, 2]);
  });

  it('lists the targets of a type', async () => {
    const [lines, one, none] = await Promise.all([
      ledgerline('inventory', 'contact'),
      ledgerline('inventory', 'contact', '--json', '--limit', '1'),
      ledgerline('inventory', 'nothing'),
    ]);
    expect(lines.stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(obeyed(lines.stdout)).toEqual([]);
    expect(JSON.parse(one.stdout)).toMatchObject({ target: { id: 'c_1' }, certain: true });
    expect(one.stderr).toContain('there are more');
    expect([none.code, none.stderr]).toEqual([0, 'no targets of this type\n']);
  });
});
