import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLedger, row } from './support.ts';
import type { Ledger } from './support.ts';
import { ASKED, weekOfAcme } from './week-of-acme.ts';

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

/** A row that must be among the answer's, or all of the answer where it is a list. */
type Expected = object | readonly object[];

const EXPECTED: Readonly<Record<string, Expected>> = {
  'Who did what lately': { event_type: 'app.updated', target_name: 'storefront' },
  'One event, whole': [{ event_id: ASKED.event_id, data: '{"environment":"production"}' }],
  'What failed or was denied, per actor': { actor_id: 'usr_1', failures: '1', denials: '1' },
  'How one field came to its value': [{ op: 'replace', old: '2', new: '3' }],
  'Who changed a field anywhere, and how often': [{ actor_id: 'usr_1', times: '1' }],
  'What happened, sampling undone': { event_type: 'app.updated', stored: '1', happened: 10 },
  'Activity per type and day': { event_type: 'contact.deleted', happened: 12 },
  'An actor’s day': { event_type: 'env_var.updated' },
  'Addresses an actor had not used before': { source_ip: '::ffff:203.0.113.9' },
  'Everything from a range of addresses': { source_ip: '::ffff:10.0.0.7', denials: '1' },
  'One request, across services': [{ outcome: 'denied' }],
  'Free text': [{ reason: 'ticket OPS-42' }],
  'A field of a type’s own data': { environment: 'production', deployments: 1 },
  'Commands that ran, and how they ended': [{ command: 'ls', exit_code: '2' }],
  'What never reached the ledger’s table': [{ reason: 'not_json', messages: '1' }],
  'Security: who was denied most, and where they then succeeded': [
    { actor_id: 'usr_1', denials: '1', successes_afterwards: '2' },
  ],
  'Security: sign-ins that failed many times within ten minutes': [
    { source_ip: '::ffff:203.0.113.9', accounts: '3', failures: '6' },
  ],
  'Security: what an actor did for the first time': {
    actor_id: 'usr_1',
    kind: 'address',
    value: '::ffff:192.0.2.1',
  },
  'Security: who granted themselves or others a role': [
    { before: '"viewer"', after: '"owner"', reason: 'covers for a colleague' },
  ],
  'Security: much was deleted within an hour': [
    { actor_id: 'usr_3', targets: '12', deletions: 12 },
  ],
  'Security: one session from several addresses': [
    { actor_id: 'usr_1', addresses: expect.arrayContaining(['::ffff:10.0.0.8']) as unknown },
  ],
  'Support: the sessions of a user': { stored: '7', failures: '1', denials: '1' },
  'Support: what a user saw go wrong, in their words and ours': { error_code: 'FORBIDDEN' },
  'Support: who changed this, last': [{ path: '/replicas', now_is: '3', was: '2' }],
  'Support: what happened around an error': { event_type: 'env_var.updated' },
  'Compliance: who read or exported a person’s record': [{ operation: 'export' }],
  'Compliance: every change of access this quarter, with its reason': {
    event_type: 'member.role_changed',
    reason: 'covers for a colleague',
  },
  'Compliance: changes to production without a reason': [
    { event_type: 'env_var.updated', without_reason: '1' },
  ],
  'Compliance: what operators did to the ledger itself': [
    { actor_id: 'ops', event_type: 'ledger.retention.changed' },
  ],
  'Compliance: how far back each class reaches': { retention_class: 'protected', stored: '8' },
  'Product: how many people use what, by week': { category: 'contacts' },
  'Product: counts with what sampling leaves uncertain': {
    event_type: 'app.updated',
    kept: '1',
    happened: 10,
    give_or_take: 19,
  },
  'Product: what is tried and fails most, as a share': {
    event_type: 'session.started',
    percent_refused: 100,
  },
  'Product: how long from creating an app to its first deployment': [
    { median_minutes: 30, apps: '1' },
  ],
};

let ledger: Ledger;

beforeAll(async () => {
  ledger = await openLedger();
  await ledger.insert(weekOfAcme());
  const bad = { reason: 'not_json', error: 'no object', message: '{' };
  const position = { kafka_topic_id: row()['kafka_topic_id'], kafka_partition: 0, kafka_offset: 1 };
  const columns = [...Object.keys(bad), ...Object.keys(position)];
  await ledger.insert([{ ...bad, ...position }], 'audit_quarantine', columns);
});
afterAll(() => ledger.close());

const queries = documented(await page('queries.md'));
/** Titles have the typewriter's apostrophe. */
const expectedOf = (title: string): Expected | undefined => EXPECTED[title.replaceAll("'", '’')];
const HISTORY = "A target's history, its children's events included";

const answerOf = (expected: Expected): unknown => {
  const like = (one: object): unknown => expect.objectContaining(one);
  return Array.isArray(expected) ? expected.map(like) : expect.arrayContaining([like(expected)]);
};

test('R-ASK-07 at least 25 questions are documented, of each kind of asker, and each answer is known', () => {
  expect(queries.length).toBeGreaterThanOrEqual(25);
  for (const kind of ['Security', 'Support', 'Compliance', 'Product']) {
    expect(queries.filter(({ title }) => title.startsWith(`${kind}: `)).length).toBeGreaterThan(3);
  }
  const unknown = queries.filter(({ title }) => title !== HISTORY && !expectedOf(title));
  expect(unknown.map(({ title }) => title)).toEqual([]);
});

test.each(queries)('R-ASK-07 docs/queries.md runs as it stands: $title', async ({ title, sql }) => {
  const rows = await ledger.clickhouse.query(sql, { params: ASKED });
  expect(rows.length).toBeGreaterThan(0);
  // A history has more to it than a row: below.
  expect(rows).toEqual(answerOf(expectedOf(title) ?? {}));
  // Nothing of other tenants.
  expect(JSON.stringify(rows)).not.toContain('stranger');
});

test.each(documented(await page('retention.md')))(
  'docs/retention.md runs as it stands: $title',
  async ({ sql }) => {
    const events = String(weekOfAcme().length);
    expect(await ledger.clickhouse.query(sql)).toEqual([{ events }]);
  },
);

test.each(documented(await page('detection.md')))(
  'docs/detection.md runs as it stands: $title',
  async ({ sql }) => {
    const denied = weekOfAcme().filter(({ outcome }) => outcome === 'denied').length;
    const rows = await ledger.clickhouse.query<{ day: string; 'sum(events)': number }>(sql);
    expect(denied).toBeGreaterThan(0);
    expect(rows.reduce((total, row) => total + row['sum(events)'], 0)).toBe(denied);
  },
);

test('a target’s history holds its children’s events, and no other tenant’s', async () => {
  const history = queries.find(({ title }) => title === HISTORY);
  const rows = await ledger.clickhouse.query<{ event_type: string }>(history?.sql ?? '', {
    params: ASKED,
  });
  expect(rows.map(({ event_type }) => event_type).sort()).toEqual([
    'app.created',
    ...Array.from({ length: 5 }, () => 'app.deployed'),
    'app.updated',
    'env_var.updated',
  ]);
});

test('R-EDGE-05 the view of counts says the same as `count`, and of its doubt', async () => {
  const [counted] = await ledger.clickhouse.query<{ stored: string; events: number }>(
    "SELECT sum(c.stored) AS stored, sum(c.events) AS events FROM audit_counts AS c WHERE tenant_id = 'acme'",
  );
  const acme = weekOfAcme().filter(({ tenant_id }) => tenant_id === 'acme').length;
  expect(counted).toEqual({ stored: String(acme), events: acme + 9 });
});
