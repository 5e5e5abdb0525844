import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { daysAgo, openLedger, row } from './support.ts';
import type { Ledger } from './support.ts';

interface Documented {
  readonly title: string;
  readonly sql: string;
}

/** The SQL blocks of a document, under the headings they stand below. */
function documented(markdown: string): Documented[] {
  return [...markdown.matchAll(/^## (.+)\n(?:(?!^## )[\s\S])*?^```sql\n([\s\S]*?)^```/gm)].map(
    ([, title = '', sql = '']) => ({ title, sql }),
  );
}

const page = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

const PARAMS = {
  tenant: 'acme',
  event_id: '0198c0de-0000-7000-8000-0000000000aa',
  since: daysAgo(7).slice(0, -1),
  target_type: 'app',
  target_id: 'app_1',
  path: '/replicas',
  actor_type: 'user',
  actor_id: 'usr_1',
  network: '::ffff:10.0.0.0/120',
  correlation: 'req-1',
  text: 'ops-42',
};

let ledger: Ledger;

beforeAll(async () => {
  ledger = await openLedger();
  const acme = { tenant_id: 'acme', occurred_at: daysAgo(6.5), source_ip: '10.0.0.7' };
  const app = { ...acme, target_type: 'app', target_id: 'app_1', target_name: 'storefront' };
  const parent = { role: 'parent', type: 'app', id: 'app_1', name: 'storefront' };
  await ledger.insert([
    row({ ...app, event_id: PARAMS.event_id, data: '{"environment":"production"}' }),
    row({
      ...app,
      event_type: 'app.updated',
      operation: 'update',
      reason: 'ticket OPS-42',
      weight: 10,
      changes: [{ op: 'replace', path: '/replicas', old: '2', new: '3' }],
    }),
    row({ ...acme, event_type: 'env_var.updated', target_type: 'env_var', related: [parent] }),
    row({
      ...app,
      operation: 'execute',
      execution: '{"command":"ls","exit_code":2}',
      outcome: 'failure',
    }),
    row({ ...app, outcome: 'denied', error_code: 'FORBIDDEN', correlation_id: 'req-1' }),
    row({ ...app, tenant_id: 'other' }),
  ]);
  const bad = { reason: 'not_json', error: 'no object', message: '{' };
  const position = { kafka_topic_id: row()['kafka_topic_id'], kafka_partition: 0, kafka_offset: 1 };
  const columns = [...Object.keys(bad), ...Object.keys(position)];
  await ledger.insert([{ ...bad, ...position }], 'audit_quarantine', columns);
});
afterAll(() => ledger.close());

const queries = documented(await page('queries.md'));

test('R-ASK-07 at least ten queries are documented', () => {
  expect(queries.length).toBeGreaterThanOrEqual(10);
});

test.each(queries)('R-ASK-07 docs/queries.md runs as it stands: $title', async ({ sql }) => {
  const rows = await ledger.clickhouse.query(sql, { params: PARAMS });
  expect(rows.length).toBeGreaterThan(0);
});

test.each(documented(await page('retention.md')))(
  'docs/retention.md runs as it stands: $title',
  async ({ sql }) => {
    expect(await ledger.clickhouse.query(sql)).toEqual([{ events: '6' }]);
  },
);

test('a target’s history holds its children’s events, and no other tenant’s', async () => {
  const history = queries.find(({ title }) => title.includes('history'));
  const rows = await ledger.clickhouse.query<{ event_type: string }>(history?.sql ?? '', {
    params: PARAMS,
  });
  expect(rows.map(({ event_type }) => event_type).sort()).toEqual([
    'app.deployed',
    'app.deployed',
    'app.deployed',
    'app.updated',
    'env_var.updated',
  ]);
});

test('R-EDGE-05 sampling is undone by weight', async () => {
  const sampled = queries.find(({ title }) => title.includes('sampling undone'));
  const rows = await ledger.clickhouse.query<{ event_type: string; happened: number }>(
    sampled?.sql ?? '',
    { params: PARAMS },
  );
  expect(rows.find(({ event_type }) => event_type === 'app.updated')?.happened).toBe(10);
});
