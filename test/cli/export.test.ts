import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decompress } from 'fzstd';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { exportFile } from '../../cli/export/export-file.ts';
import { EVERY_TENANT } from '../../clickhouse/index.ts';
import { createTopic } from '../../consumers/index.ts';
import { wireRowSchema } from '../../schemas/index.ts';
import { type Ledger, openLedger, row } from '../clickhouse/support.ts';
import { CLI, type Ran, runCli } from './run-cli.ts';

const topic = `export-${randomUUID().slice(0, 8)}`;
const folder = mkdtempSync(join(tmpdir(), 'ledgerline-export-'));
let ledger: Ledger;

/** Cells that a spreadsheet would run, or stumble over. */
const HOSTILE = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1+1',
  '\r=1',
  ' =1+1',
  '＝1+1',
  "=cmd|' /C calc'!A0",
  'two\nlines, "quoted"',
  'a\0b',
  'plain',
];

const environment = (): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
});

const ledgerline = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  runCli(args, { env: { ...environment(), ...env } });

beforeAll(async () => {
  await createTopic({ brokers: inject('brokers'), topic }, { partitions: 1 });
  ledger = await openLedger();
  await ledger.insert(
    HOSTILE.map((text, n) =>
      row({
        tenant_id: 'hostile',
        actor_id: `u_${n}`,
        actor_name: text,
        message: text,
        data: { text },
        changes: [{ op: 'replace', path: '/a', old: '1', new: JSON.stringify(text) }],
        attributes: { 'user_agent.original': text },
        ingested_at: undefined,
      }),
    ),
  );
  await ledger.insert(Array.from({ length: 5_000 }, (_, n) => row({ actor_id: `u_${n % 7}` })));
});

afterAll(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

describe('R-ASK-08: an export is complete, or clearly not there', () => {
  it('ndjson: wire rows, as many as the manifest says, with its hash', async () => {
    const file = at('all.ndjson');
    const asked = ['since:2020-01-02', '--time-zone', 'Europe/Berlin'];
    const ran = await ledgerline(['export', ...asked, '-o', file, '--json', '--reason', 'a test']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const bytes = readFileSync(file);
    const lines = bytes.toString().trimEnd().split('\n');
    const manifest: unknown = JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'));
    expect(JSON.parse(ran.stdout)).toEqual(manifest);
    expect(manifest).toMatchObject({
      file: 'all.ndjson',
      format: 'ndjson',
      query: 'since:2020-01-02',
      timeZone: 'Europe/Berlin',
      from: '2020-01-01T23:00:00.000000Z',
      before: null,
      tenants: null,
      rows: 5_012,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(lines).toHaveLength(5_012);
    const rows = lines.map((line) => wireRowSchema.parse(JSON.parse(line)));
    const names = rows.filter((one) => one.tenant_id === 'hostile').map((one) => one.actor_name);
    expect(new Set(names)).toEqual(new Set(HOSTILE));
  });

  it('csv: no cell that a spreadsheet would run, and every text recognisable', async () => {
    const file = at('hostile.csv');
    const ran = await ledgerline([
      'export',
      '',
      '--tenant',
      'hostile',
      '--format',
      'csv',
      '-o',
      file,
    ]);
    expect([ran.code, ran.stdout]).toEqual([0, '']);
    const [head = [], ...rows] = csv(readFileSync(file, 'utf8'));
    expect(rows).toHaveLength(HOSTILE.length);
    for (const cell of rows.flat()) {
      expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]|^[\t\r\n]|\0/u);
    }
    const names = rows.map((cells) => cells[head.indexOf('actor_name')]?.replace(/^'/, ''));
    expect(new Set(names)).toEqual(new Set(HOSTILE.map((text) => text.replace('\0', '␀'))));
    expect(rows[0]?.[head.indexOf('occurred_at')]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('parquet: read by others, with as many rows', async () => {
    const file = at('some.parquet');
    const ran = await ledgerline([
      'export',
      'actor:u_3',
      '--format',
      'parquet',
      '-o',
      file,
      '--json',
    ]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const { rows } = JSON.parse(ran.stdout) as { rows: number };
    const read = await parquetReadObjects({
      file: await asyncBufferFromFile(file),
      columns: ['actor_id', 'event_id', 'outcome'],
      compressors: { ZSTD: (bytes) => decompress(bytes) },
    });
    expect(read).toHaveLength(rows);
    expect(rows).toBeGreaterThan(700);
    expect(read[0]).toMatchObject({
      outcome: 'unknown',
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('replaces no file unless asked to, and leaves none behind where it fails', async () => {
    const file = at('there.ndjson');
    writeFileSync(file, 'mine');
    const refused = await ledgerline(['export', '-o', file]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/is there already/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const nowhere = await ledgerline(['export', '-o', at('no/such/folder.csv'), '--format', 'csv']);
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toMatch(/there is no such folder/);
    mkdirSync(at('a-folder'));
    mkdirSync(at('beside.csv.manifest.json'));
    spawnSync('mkfifo', [at('a-pipe')]);
    for (const place of [at('a-folder'), at('a-pipe'), at('beside.csv'), '-', '']) {
      const unfit = await ledgerline(['export', '-o', place, '--force']);
      expect(unfit.code).toBe(2);
      expect(unfit.stderr).toMatch(/is a folder|no regular file|names no file/);
    }
    expect(statSync(at('a-pipe')).isFIFO()).toBe(true);
    const wrong = await ledgerline(['export', 'acter:u_1', '-o', at('wrong.csv')]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/actor/);
    const unrecorded = await ledgerline(['export', '-o', at('unrecorded.csv')], {
      LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1',
    });
    expect(unrecorded.code).toBe(1);
    expect(readdirSync(folder).filter((name) => /wrong|unrecorded|partial/.test(name))).toEqual([]);
  });

  it('appears only once it is on record, and its manifest is there', async () => {
    const path = at('unseen.ndjson');
    const seen: string[] = [];
    const died = new Error('not on record');
    const exporting = exportFile(ledger.clickhouse, 'actor:u_3', {
      tenant: EVERY_TENANT,
      format: 'ndjson',
      path,
      onPlan: () => undefined,
      onBytes: () => undefined,
      onWhole: () => {
        seen.push(...readdirSync(folder).filter((name) => name.startsWith('unseen')));
        return Promise.reject(died);
      },
    });
    await expect(exporting).rejects.toBe(died);
    expect(seen).toEqual(['unseen.ndjson.partial']);
    expect(readdirSync(folder).filter((name) => name.startsWith('unseen'))).toEqual([]);
    const file = at('seen.ndjson');
    expect((await ledgerline(['export', 'actor:u_3', '-o', file])).code).toBe(0);
    for (const one of [file, `${file}.manifest.json`]) {
      expect(statSync(one).mode & 0o777).toBe(0o600);
    }
  });

  it('says that there is no room, and leaves nothing behind', () => {
    const file = at('large.ndjson');
    // A limit on the size of files stands for a full disk: the system answers a write in the same way.
    const ran = spawnSync(
      'bash',
      [
        '-c',
        `ulimit -f 512; trap '' XFSZ; exec "$0" "$@"`,
        process.execPath,
        CLI,
        'export',
        '-o',
        file,
      ],
      { env: { PATH: process.env['PATH'], ...environment() }, encoding: 'utf8' },
    );
    expect(ran.stderr).toMatch(/was not written: the file would be larger than is allowed here/);
    expect(ran.status).toBe(1);
    expect(existsSync(file) || existsSync(`${file}.partial`)).toBe(false);
  });
});

/** RFC 4180. */
function csv(text: string): string[][] {
  const rows: string[][] = [];
  let cells: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\n]*))(,|\n|$)/gy)) {
    if (end === '' && quoted === undefined && bare === '' && cells.length === 0) break;
    cells.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === ',') continue;
    rows.push(cells);
    cells = [];
  }
  return rows;
}
