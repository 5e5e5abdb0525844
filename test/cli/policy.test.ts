import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { daysAgo, openLedger, row, type Ledger } from '../clickhouse/support.ts';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'ledgerline-policy-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
afterAll(() => rmSync(folder, { recursive: true }));

const good = file(
  'good.yaml',
  `version: 1
level: all
sampling: { rate: 0.1 }
rules:
  - id: quiet-probes
    owner: platform
    reason: health checks are measured elsewhere
    expires: never
    match: { type: health_check }
    action: drop
  - id: bulk
    owner: gateway
    reason: calls come in bursts
    expires: never
    match: { type: gateway.tool.invoked }
    action: limit
    limit: { events: 5, seconds: 60, per: actor }
`,
);

describe('R-EDGE-07: ledgerline policy lint', () => {
  test('a good policy', async () => {
    const { code, stdout } = await runCli(['policy', 'lint', good]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a service can use it: level all, 2 rules, hash [0-9a-f]{64}\n$/u);
  });

  test('a bad one: every fault with its place, exit code 1, no colours in a pipe', async () => {
    const bad = file(
      'bad.yaml',
      `version: 1
rules:
  - { id: a, owner: o, reason: r, expires: never, match: { category: security }, action: drop }
  - { id: b, owner: o, reason: r, expires: never, match: { type: gateway.tool.lsted }, action: keep }
  - { id: c, owner: o, reason: r, expires: 2020-01-01, match: { type: x }, action: keep }
`,
    );
    const { code, stdout } = await runCli(['policy', 'lint', bad]);
    expect(code).toBe(1);
    expect(stdout.replaceAll(bad, 'bad.yaml').split('\n').slice(0, 4)).toEqual([
      expect.stringMatching(
        /^bad\.yaml:3:\d+: error: rules\[0\]\.match\.category matches security\./u,
      ),
      expect.stringContaining('Did you mean "gateway.tool.listed"?'),
      expect.stringMatching(/^bad\.yaml:5:\d+: warning: rules\[2\]\.expires has passed/u),
      '2 errors, 1 warning',
    ]);
    const json = await runCli(['policy', 'lint', bad, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      errors: [{ path: ['rules', 0, 'match', 'category'], line: 3 }, { line: 4 }],
      warnings: [{ line: 5 }],
    });
  });

  test('a catalog of one’s own', async () => {
    const own = file(
      'catalog.mjs',
      `import { category, defineCatalog, event } from '${join(import.meta.dirname, '../../dist/schemas/index.js')}';
export default defineCatalog(category('billing', { label: 'B', icon: 'receipt', events: {
  'billing.paid': event({ operation: 'create', label: 'Paid' }) } }));`,
    );
    const policy = file(
      'billing.yaml',
      'version: 1\nrules: [{ id: a, owner: o, reason: r, expires: never, match: { type: billing.paid }, action: keep }]\n',
    );
    expect(await runCli(['policy', 'lint', policy])).toMatchObject({ code: 1 });
    expect(await runCli(['policy', 'lint', policy, '--catalog', own])).toMatchObject({ code: 0 });
    const none = file('none.mjs', 'export const nothing = 1;');
    expect(await runCli(['policy', 'lint', policy, '--catalog', none])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exports no catalog') as string,
    });
    expect(await runCli(['policy', 'lint', join(folder, 'no.yaml')])).toMatchObject({ code: 2 });
  });
});

describe('R-EDGE-07: ledgerline policy explain', () => {
  test('every step in words, and what it came to', async () => {
    const { code, stdout } = await runCli([
      'policy',
      'explain',
      good,
      '--event',
      '{"type":"gateway.tool.invoked","actor":{"type":"user","id":"u_7"},"target":{"id":"t_1"}}',
    ]);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'gateway.tool.invoked: category gateway, operation execute, outcome success, severity informational, tenant default, actor user u_7, target tool',
      '  enabled     goes on  recording is on',
      '  protected   goes on  the category gateway is not protected',
      '  level       goes on  all keeps execute with the outcome success',
      '  exclusions  goes on  neither action nor resource is excluded',
      '  rules       goes on  quiet-probes does not match (its type is not health_check); bulk matches: limit to 5 events in 60 s for each actor (gateway: calls come in bursts)',
      '  rate limit  goes on  bulk: 5 events in 60 s for each actor, kept while within it',
      '  sampling    skipped  only reads are sampled',
      'kept with weight 1, by the rule bulk',
      '',
    ]);
  });

  test('--json, and what is no event', async () => {
    const json = await runCli(
      ['policy', 'explain', good, '--json', '--event', '{"type":"health_check"}'],
      {},
    );
    expect(JSON.parse(json.stdout)).toMatchObject({
      type: 'gateway.health.checked',
      kept: false,
      cause: 'rule',
      rule: 'quiet-probes',
    });
    for (const event of ['{', '{"type":7}', '{"type":"gateway.tool.lsted"}']) {
      expect(await runCli(['policy', 'explain', good, '--event', event])).toMatchObject({
        code: 2,
        stdout: '',
      });
    }
    const malformed = await runCli(['policy', 'explain', good, '--event', '{"type":7}']);
    expect(malformed.stderr).toMatch(/^ledgerline: This is no event: type: .*expected string/u);
  });
});

describe('R-EDGE-07: ledgerline policy replay', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await openLedger();
    const gateway = { category: 'gateway', service: 'gateway', policy_level: 'all' };
    const of = (count: number, fields: Readonly<Record<string, unknown>>) =>
      Array.from({ length: count }, (_, n) =>
        row({ ...gateway, occurred_at: daysAgo(1 - n / 1_000_000_000), ...fields }),
      );
    await ledger.insert([
      ...of(40, { event_type: 'gateway.health.checked', operation: 'read' }),
      // Sampled at 0.5 when they were recorded: each stands for two.
      ...of(50, { event_type: 'gateway.tool.listed', operation: 'read', weight: 2 }),
      ...of(10, { event_type: 'gateway.tool.listed', operation: 'read', outcome: 'failure' }),
      ...of(30, { event_type: 'gateway.tool.invoked', operation: 'execute', actor_id: 'u_1' }),
      ...of(3, { event_type: 'gateway.tool.invoked', operation: 'execute', actor_id: 'u_2' }),
      ...of(7, {
        event_type: 'security.login.failed',
        category: 'security',
        retention_class: 'protected',
        operation: 'read',
        policy_level: 'writes_only',
      }),
      row({
        event_type: 'ledger.counters.reported',
        category: 'ledger',
        retention_class: 'protected',
        occurred_at: daysAgo(1),
        data: { notStored: { gateway: { level: 1234, sampled_out: 50 } } },
      }),
      ...of(5, { event_type: 'gateway.tool.listed', operation: 'read', occurred_at: daysAgo(9) }),
    ]);
  });
  afterAll(() => ledger.close());

  const replay = (...args: string[]) =>
    runCli(['policy', 'replay', good, ...args], {
      env: {
        LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
        LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
      },
    });

  test('what the policy would have kept, by category, against what is stored', async () => {
    const { code, stdout, stderr } = await replay('--since', '7d', '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as {
      categories: Record<string, unknown>[];
      total: { today: { storage: number }; replayed: { storage: number } };
      caveats: string[];
    };
    // Probes dropped; 100 listings sampled to 10 and 10 failures kept; 5 calls of u_1 and 3 of u_2.
    expect(report.categories).toContainEqual(
      expect.objectContaining({
        category: 'gateway',
        happened: 40 + 100 + 10 + 33,
        today: expect.objectContaining({ events: 133 }) as object,
        replayed: expect.objectContaining({ events: 10 + 10 + 5 + 3 }) as object,
      }),
    );
    expect(report.categories).toContainEqual(
      expect.objectContaining({
        category: 'security',
        replayed: expect.objectContaining({ events: 7 }) as object,
      }),
    );
    expect(report.total.replayed.storage).toBeLessThan(report.total.today.storage);
    expect(report.caveats.join('\n')).toContain('level 1,234, sampled_out 50');
    expect(report.caveats.join('\n')).toContain('1 event that came past every policy');
    expect(report.caveats.join('\n')).toContain('7 events recorded under the level writes_only');
  });

  test('for people: a table, and below it what it cannot know', async () => {
    const { code, stdout, stderr } = await replay('--since', daysAgo(8), '--until', daysAgo(0));
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ gateway +│ +183 │ +133 │ +28 │/u);
    expect(stderr).toContain('what it did not keep is not in the ledger');
  });

  test('a period without events, and times that are none', async () => {
    const empty = await replay('--since', '2020-01-01', '--until', '2020-01-02', '--json');
    expect(JSON.parse(empty.stdout)).toMatchObject({ categories: [], total: { happened: 0 } });
    expect(await replay('--since', 'yesterday')).toMatchObject({ code: 2 });
    expect(await replay('--since', '1d', '--until', '2d')).toMatchObject({ code: 2 });
  });
});
