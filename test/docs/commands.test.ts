/**
 * Runs the commands of the documents about operating, as they stand there, against a real broker and engine: within this
 * process, because there are a hundred. What takes a process of its own to be tried is named, with where that is done.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { exitCodeOf, failureLines } from '../../cli/failure.ts';
import { program } from '../../cli/program.ts';
import { createTopic } from '../../consumers/index.ts';
import { changesBetween } from '../../producers/index.ts';
import { daysAgo, type Ledger, openLedger, row } from '../clickhouse/support.ts';
import { commandsOf, pageOf, wordsOf } from './documents.ts';

vi.setConfig({ testTimeout: 120_000 });

/** By first words: why not here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  stack: 'runs until it is stopped: test/cli/stack.test.ts',
  emit: 'reads its events from stdin: test/cli/end-to-end.test.ts',
  import: 'needs a folder of logs: test/cli/end-to-end.test.ts',
  worker: 'is a process: test/consumers',
  migrate: 'is what every test begins with: test/cli/end-to-end.test.ts',
};

const EVENT = '0198c0de-0000-7000-8000-0000000000aa';
const topic = `documents-${randomUUID().slice(0, 8)}`;
const home = process.cwd();
let folder: string;
let ledger: Ledger;
const former: Record<string, string | undefined> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledgerline-documents-'));
  mkdirSync(join(folder, 'node_exporter'));
  writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nlevel: all\n');
  ledger = await openLedger();
  await createTopic({ brokers: inject('brokers'), topic }, { partitions: 1 });
  const done = { tenant_id: 'acme', outcome: 'success' };
  const contact = { ...done, target_type: 'contact', target_id: 'c_1' };
  const [first, second] = [
    { name: 'Jane', phone: '1' },
    { name: 'Jane', phone: '2' },
  ];
  await ledger.insert([
    row({
      ...contact,
      event_type: 'contact.created',
      category: 'contact',
      operation: 'create',
      occurred_at: daysAgo(3),
      changes: changesOf(undefined, first),
    }),
    row({
      ...contact,
      event_id: EVENT,
      event_type: 'contact.updated',
      category: 'contact',
      operation: 'update',
      occurred_at: daysAgo(0.01),
      changes: changesOf(first, second),
    }),
    row({ ...done, actor_id: 'u_7', target_type: 'app', target_id: 'app-7', operation: 'create' }),
    ...Array.from({ length: 20 }, (_, n) => row({ outcome: n % 2 ? 'denied' : 'success' })),
  ]);
  const environment = {
    LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
    LEDGERLINE_KAFKA_TOPIC: topic,
    LEDGERLINE_KAFKA_GROUP: topic,
    LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
    LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
  };
  for (const [name, value] of Object.entries(environment)) {
    former[name] = process.env[name];
    process.env[name] = value;
  }
  process.chdir(folder);
});

afterAll(async () => {
  process.chdir(home);
  for (const [name, value] of Object.entries(former)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As a row has them: values as JSON texts. */
const changesOf = (before: unknown, after: unknown): object[] =>
  changesBetween(before, after).map(({ op, path, old, new: now }) => ({
    op,
    path,
    old: old === undefined ? '' : JSON.stringify(old),
    new: now === undefined ? '' : JSON.stringify(now),
  }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(words: readonly string[]): Promise<Ran> {
  const texts = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...rest) => {
      texts[name] += String(chunk);
      const called = rest.find((one) => typeof one === 'function');
      called?.();
      return true;
    }),
  );
  process.exitCode = 0;
  try {
    await program().parseAsync([...words], { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) texts.stderr += failureLines(error).join('\n');
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const code = Number(process.exitCode);
  process.exitCode = 0;
  return { code, ...texts };
}

/** A mention of a command by its name alone, which takes more than that. */
function isMention(words: readonly string[]): boolean {
  const command = program().commands.find((one) => one.name() === words[0]);
  const needs = command?.registeredArguments.some(({ required }) => required) ?? false;
  return words.some((word) => /^[A-Z]+…?$/.test(word)) || (words.length === 1 && needs);
}

describe('R-DOC-02: the commands of the documents do what they are there for', () => {
  test.each([
    'audit-trails',
    'compliance',
    'history',
    'detection',
    'export',
    'retention',
    'holds',
    'erasure',
  ])('docs/%s.md', async (name) => {
    const faults: unknown[] = [];
    let done = 0;
    let hold = '';
    for (const command of new Set(commandsOf(pageOf(`${name}.md`)))) {
      const words = wordsOf(command).map((word) =>
        word
          .replace('/var/lib/node_exporter', join(folder, 'node_exporter'))
          .replace('019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4', hold),
      );
      const [first = '', second = ''] = words;
      if (first in ELSEWHERE || isMention(words)) continue;
      // A document asks more than once for one file; and nobody can be asked here.
      if (first === 'export' && words.length > 1) words.push('--force');
      const asks =
        ['place', 'release', 'set'].includes(second) &&
        !words.includes('--dry-run') &&
        !words.includes('--yes');
      if (asks) words.push('--yes');
      const { code, stdout, stderr } = await ran(words);
      hold = /^([0-9a-f-]{36}) holds/m.exec(stdout)?.[1] ?? hold;
      done += 1;
      // These find what is wrong with a ledger that was filled by hand.
      const fine = ['verify', 'doctor'].includes(first) ? [0, 1] : [0];
      if (!fine.includes(code)) faults.push({ command, code, stdout, stderr });
    }
    expect(faults).toEqual([]);
    expect(done).toBeGreaterThan(1);
  });
});
