/** Each detector on two quiet months: silent about what is usual, and about what happens in a bad day not. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  count,
  detect,
  type DetectOptions,
  DETECTORS,
  EVERY_TENANT,
  type Finding,
} from '../../../clickhouse/index.ts';
import { type Ledger, openLedger, type Row, row } from '../support.ts';
import { dayBefore, DAYS, fillQuietly, LAST_DAY } from './quiet-ledger.ts';

// Two months of a company are looked at many times.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PEOPLE = 12;
const END = new Date(LAST_DAY.getTime() + 86_400_000);
const HOUR_MS = 3_600_000;
let ledger: Ledger;
let quiet: readonly Finding[];
let found: readonly Finding[];

/** On the last day, at this hour and so many seconds. */
const at = (hour: number, seconds = 0, daysBefore = 0): string =>
  new Date(dayBefore(daysBefore).getTime() + hour * HOUR_MS + seconds * 1000).toISOString();

const times = (count: number, fields: (n: number) => Row): Row[] =>
  Array.from({ length: count }, (_, n) =>
    row({ tenant_id: 'acme', outcome: 'success', ...fields(n) }),
  );

/** Sequences of producers, by their id: the numbers that came. */
const producer = (id: string, numbers: readonly number[]): Row[] =>
  numbers.map((producer_seq) =>
    row({
      tenant_id: 'acme',
      occurred_at: at(10, producer_seq),
      producer_id: id,
      producer_seq,
      service: 'billing',
      actor_id: 'svc_0',
      actor_type: 'service',
      event_type: 'gateway.call_1.completed',
    }),
  );
const [GAPPED, WHOLE, EXPLAINED] = [1, 2, 3].map(
  (n) => `0198c0de-0000-7000-8000-00000000000${n}`,
) as [string, string, string];
const upTo = (last: number, ...absent: number[]): number[] =>
  Array.from({ length: last }, (_, n) => n + 1).filter((n) => !absent.includes(n));

/** What happens on the bad day, and right beside it what is nearly as much and yet usual. */
const badDay = (): Row[] => [
  // actor-volume: fifteen times as much as ever, against half as much again.
  ...times(400, (n) => ({
    actor_id: 'u_3',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(11, n * 5),
  })),
  ...times(15, (n) => ({
    actor_id: 'u_4',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(11, n * 5),
  })),
  // type-volume: many actors together, none of them much.
  ...times(600, (n) => ({
    actor_type: 'service',
    actor_id: `new_${n % 300}`,
    event_type: 'gateway.call_2.completed',
    occurred_at: at(14, n * 5),
  })),
  // new-action: u_5 does what nobody ever did; a new feature that everybody uses at once.
  ...times(2, (n) => ({
    actor_id: 'u_5',
    event_type: 'billing.refund.issued',
    operation: 'create',
    occurred_at: at(13, n),
  })),
  ...times(8, (n) => ({ actor_id: `u_${n}`, event_type: 'feature.tried', occurred_at: at(12, n) })),
  // new-address: from elsewhere; and from another address of the office's network.
  ...times(1, () => ({
    actor_id: 'u_6',
    source_ip: '2001:db8:77::5',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(12, 30),
  })),
  ...times(1, () => ({
    actor_id: 'u_7',
    source_ip: '192.0.2.77',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(12, 31),
  })),
  // unusual-hour: in the middle of the night; and one hour late.
  ...times(3, (n) => ({
    actor_id: 'u_8',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(2, n),
  })),
  ...times(3, (n) => ({
    actor_id: 'u_9',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(18, n),
  })),
  // denial-burst: 40 in ten minutes; 8; one sampled event that stands for 20.
  ...times(40, (n) => ({
    actor_id: 'u_10',
    outcome: 'denied',
    event_type: 'app.thing_1.viewed',
    target_id: `app_${n}`,
    occurred_at: at(10, n),
  })),
  ...times(8, (n) => ({
    actor_id: 'u_11',
    outcome: 'denied',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(10, n),
  })),
  ...times(1, () => ({
    actor_id: 'u_2',
    outcome: 'denied',
    weight: 20,
    event_type: 'app.thing_1.viewed',
    occurred_at: at(10, 1),
  })),
  // mass-deletion, mass-export: by who never does; the nightly and the weekly job go on as ever.
  ...times(60, (n) => ({
    actor_id: 'u_1',
    operation: 'delete',
    event_type: 'app.thing_2.deleted',
    target_id: `app_${n}`,
    occurred_at: at(15, n),
  })),
  ...times(40, (n) => ({
    actor_id: 'u_0',
    operation: 'export',
    event_type: 'app.thing_2.exported',
    occurred_at: at(15, n),
  })),
  // Nobody has a history of this one: the floor decides.
  ...times(30, (n) => ({
    actor_id: 'newcomer',
    operation: 'delete',
    event_type: 'app.thing_2.deleted',
    occurred_at: at(16, n),
  })),
  ...times(20, (n) => ({
    actor_id: 'tidy',
    operation: 'delete',
    event_type: 'app.thing_2.deleted',
    occurred_at: at(16, n),
  })),
  // dormant-actor: 50 days of silence; and 20.
  ...times(5, (n) => ({
    actor_id: 'sleeper',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(9, n, 52 + n),
  })),
  ...times(1, () => ({
    actor_id: 'sleeper',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(9, 0),
  })),
  ...times(5, (n) => ({
    actor_id: 'dozer',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(9, n, 20 + n),
  })),
  ...times(1, () => ({
    actor_id: 'dozer',
    event_type: 'app.thing_1.viewed',
    occurred_at: at(9, 0),
  })),
  // protected-change: once by a person; every day by the job whose task it is; one that was refused.
  ...times(1, () => ({
    actor_id: 'u_2',
    category: 'security',
    retention_class: 'protected',
    event_type: 'security.mfa.disabled',
    operation: 'update',
    severity: 'high',
    occurred_at: at(16),
  })),
  ...times(12, (n) => ({
    actor_id: 'rotator',
    category: 'security',
    retention_class: 'protected',
    event_type: 'security.key.rotated',
    operation: 'update',
    severity: 'high',
    occurred_at: at(4, 0, n),
  })),
  ...times(1, () => ({
    actor_id: 'u_4',
    outcome: 'denied',
    category: 'security',
    retention_class: 'protected',
    event_type: 'security.mfa.disabled',
    operation: 'update',
    severity: 'high',
    occurred_at: at(16),
  })),
  // sequence-gap: 5 to 7 are absent; none; two that the process itself reported as lost.
  ...producer(GAPPED, upTo(30, 5, 6, 7)),
  ...producer(WHOLE, upTo(30)),
  ...producer(EXPLAINED, upTo(30, 8, 9)),
  row({
    tenant_id: 'acme',
    category: 'ledger',
    retention_class: 'protected',
    event_type: 'ledger.counters.reported',
    occurred_at: at(10, 40),
    producer_id: EXPLAINED,
    producer_seq: 31,
    service: 'billing',
    actor_type: 'service',
    actor_id: 'svc_0',
    data: {
      occasion: 'close',
      lastSeq: 30,
      pending: 0,
      notStored: { app: { queue_full: 2, filtered: 9 } },
    },
  }),
];

const look = (options: Partial<DetectOptions> = {}) =>
  detect(ledger.clickhouse, { since: LAST_DAY, until: END, tenant: EVERY_TENANT, ...options });

beforeAll(async () => {
  ledger = await openLedger();
  await fillQuietly(ledger.clickhouse, PEOPLE);
  quiet = (await look({ since: dayBefore(2) })).findings;
  await ledger.insert(badDay());
  // service-silence: one of three gateways stops at 10 o'clock, the jobs are silent but for the night as ever.
  await ledger.clickhouse.command(
    `DELETE FROM audit_events WHERE service = 'gateway-1' AND occurred_at >= parseDateTime64BestEffort({from:String}, 6, 'UTC')`,
    { params: { from: at(10) }, settings: { lightweight_deletes_sync: 2 } },
  );
  found = (await look()).findings;
}, 300_000);

afterAll(() => ledger.close());

const subjects = (detector: string): string[] =>
  found.filter((finding) => finding.detector === detector).map(({ subject }) => subject.id);

describe('R-ASK-03: unusual activity is found, and what is usual is not', () => {
  test('three quiet days of twelve people give at most one finding a day', () => {
    expect(quiet.map(({ what }) => what).slice(3)).toEqual([]);
  });

  test.each([
    ['actor-volume', 'u_3', 'u_4'],
    ['type-volume', 'gateway.call_2.completed', 'gateway.call_0.completed'],
    ['new-action', 'u_5', 'u_1'],
    ['new-address', 'u_6', 'u_7'],
    ['unusual-hour', 'u_8', 'u_9'],
    ['denial-burst', 'u_10', 'u_11'],
    ['denial-burst', 'u_10', 'u_2'],
    ['mass-deletion', 'u_1', 'nightly-cleanup'],
    ['mass-deletion', 'newcomer', 'tidy'],
    ['mass-export', 'u_0', 'weekly-report'],
    ['dormant-actor', 'sleeper', 'dozer'],
    ['protected-change', 'u_2', 'rotator'],
    ['protected-change', 'u_2', 'u_4'],
    ['sequence-gap', GAPPED, WHOLE],
    ['sequence-gap', GAPPED, EXPLAINED],
    ['service-silence', 'gateway-1', 'gateway-0'],
    ['service-silence', 'gateway-1', 'jobs'],
  ])('%s finds %s and leaves %s alone', (detector, unusual, usual) => {
    expect(subjects(detector)).toContain(unusual);
    expect(subjects(detector)).not.toContain(usual);
  });

  test('every detector has a case', () => {
    expect(new Set(found.map(({ detector }) => detector))).toEqual(
      new Set(DETECTORS.map(({ name }) => name)),
    );
  });

  test('a finding shows its evidence: words without holes, a search, and the ids that it shows', async () => {
    for (const finding of found) {
      expect(`${finding.what} ${finding.why}`).not.toMatch(/[{}?]|undefined|NaN/);
      expect(finding.score).toBeGreaterThanOrEqual(0.99);
      const { stored } = await count(ledger.clickhouse, finding.query, { tenant: EVERY_TENANT });
      expect([finding.query, finding.eventIds.length]).toEqual([
        finding.query,
        Math.min(stored, 20),
      ]);
      expect([finding.detector, stored > 0]).toEqual([
        finding.detector,
        finding.detector !== 'service-silence',
      ]);
      expect(finding.lastingQuery).not.toContain('ip:');
    }
  });

  test('asked again, for the day or for hours of it, the same findings have the same ids', async () => {
    const ids = found.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const only = ['actor-volume', 'unusual-hour', 'sequence-gap', 'service-silence'];
    const wider = await look({ since: dayBefore(1), only });
    const ofThese = found.filter(({ detector }) => only.includes(detector)).map(({ id }) => id);
    expect(wider.findings.map(({ id }) => id)).toEqual(expect.arrayContaining(ofThese));
    const night = await look({ since: new Date(at(2)), until: new Date(at(3)), only });
    const inNight = found.filter(
      ({ since, detector }) => since === at(2).replace('.000Z', 'Z') && only.includes(detector),
    );
    expect(inNight.length).toBeGreaterThan(0);
    expect(night.findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(inNight.map(({ id }) => id)),
    );
  });

  test('another threshold decides otherwise, and an unknown one is told what there is', async () => {
    const tuned = await look({
      only: ['unusual-hour'],
      thresholds: { 'unusual-hour.distance': 12 },
    });
    expect(tuned.findings).toEqual([]);
    await expect(look({ thresholds: { 'unusual-hour.z': 1 } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('distance') as unknown,
    });
    await expect(look({ only: ['nothing'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(look({ since: END, until: LAST_DAY })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  test('a tenant is judged by its own events, and what is about the whole ledger says so', async () => {
    const { findings, unjudged } = await look({ tenant: 'other' });
    expect(findings).toEqual([]);
    expect(
      unjudged.filter(({ cause }) => cause === 'scope').map(({ detector }) => detector),
    ).toEqual(['sequence-gap', 'service-silence']);
  });
});

test('R-ASK-03 a detector without history says so instead of crying', async () => {
  const early = dayBefore(DAYS - 3);
  const { findings, unjudged } = await look({
    since: early,
    until: new Date(early.getTime() + 86_400_000),
  });
  const needing = DETECTORS.filter(({ needsDays }) => needsDays > 0).map(({ name }) => name);
  expect(
    unjudged.filter(({ cause }) => cause === 'history').map(({ detector }) => detector),
  ).toEqual(needing);
  expect(unjudged[0]).toMatchObject({ tenants: ['acme'], tenantCount: 1 });
  expect(findings.filter(({ detector }) => needing.includes(detector))).toEqual([]);
});
