import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accessStatements,
  applyRetention,
  type ClickHouse,
  EVERY_TENANT,
  migrate,
  openClickHouse,
  searchPage,
} from '../../clickhouse/index.ts';
import { knownMigrations } from '../../clickhouse/migrations.ts';
import { createTopic } from '../../consumers/index.ts';
import { row } from '../clickhouse/support.ts';
import { carry } from '../support/carry.ts';
import { describeClickHouse } from './clickhouse-conformance.ts';
import {
  CLICKHOUSE_IMAGE,
  CLUSTER,
  hasDocker,
  KAFKA_IMAGE,
  NO_DOCKER,
  PASSWORD,
  START_TIMEOUT_MS,
  startClickHouse,
  startCluster,
  type StartedCluster,
  type StartedKafka,
  startKafka,
  urlOf,
} from './official-images.ts';

const SUITES = [
  'the official ClickHouse image',
  'a worker on the official images',
  'a worker on a cluster of two servers',
];
const MESSAGES = 2_000;
const TEST_TIMEOUT_MS = 180_000;
const DATABASE = 'ledgerline';

const docker = await hasDocker();
if (!docker) {
  const images = `${KAFKA_IMAGE} and ${CLICKHOUSE_IMAGE}`;
  for (const suite of SUITES) console.info(`Skipped, "${suite}" (${images}): ${NO_DOCKER}.`);
}

const open = (container: StartedTestContainer, cluster?: string): ClickHouse =>
  openClickHouse({ url: urlOf(container), password: PASSWORD, database: DATABASE, cluster });

const environmentOf = (container: StartedTestContainer): Record<string, string> => ({
  LEDGERLINE_CLICKHOUSE_URL: urlOf(container),
  LEDGERLINE_CLICKHOUSE_PASSWORD: PASSWORD,
  LEDGERLINE_CLICKHOUSE_DATABASE: DATABASE,
});

describe.skipIf(!docker)('the official ClickHouse image', () => {
  let container: StartedTestContainer;
  beforeAll(async () => {
    container = await startClickHouse();
  }, START_TIMEOUT_MS);
  afterAll(() => container.stop());

  describeClickHouse(CLICKHOUSE_IMAGE, () => ({
    url: urlOf(container),
    user: 'default',
    password: PASSWORD,
  }));

  it('takes every migration once, and other days', async () => {
    await using clickhouse = closing(open(container));
    expect(await migrate(clickhouse.it)).toEqual((await knownMigrations()).map(({ name }) => name));
    expect(await migrate(clickhouse.it)).toEqual([]);
    expect((await applyRetention(clickhouse.it, { standard: 30 })).changed).toBe(true);
  });

  it('R-ASK-09 lets a writer only insert, and shows readers their tenant alone', async () => {
    await using admin = closing(open(container));
    await migrate(admin.it);
    const place = { database: DATABASE, cluster: undefined };
    const roles = { writer: 'writer', acme: 'reader_acme', auditor: 'auditor' } as const;
    for (const { statements } of accessStatements(['acme', 'beta'], place)) {
      for (const statement of statements) await admin.it.command(statement);
    }
    for (const [user, role] of Object.entries(roles)) {
      await admin.it.command(
        `CREATE USER ${user} IDENTIFIED WITH plaintext_password BY '${PASSWORD}' DEFAULT ROLE ${DATABASE}_${role}`,
      );
      await admin.it.command(`GRANT ${DATABASE}_${role} TO ${user}`);
    }
    const as = (username: keyof typeof roles): ClickHouse =>
      openClickHouse({ url: urlOf(container), username, password: PASSWORD, database: DATABASE });
    await using writer = closing(as('writer'));
    await using acme = closing(as('acme'));
    await using auditor = closing(as('auditor'));
    const rows = ['acme', 'beta'].map((tenant_id) => row({ tenant_id }));
    await writer.it.insert({
      table: 'audit_events',
      columns: Object.keys(rows[0] ?? {}),
      format: 'JSONEachRow',
      body: rows.map((one) => Buffer.from(`${JSON.stringify(one)}\n`)),
      settings: { date_time_input_format: 'best_effort' },
    });
    const tenants = 'SELECT DISTINCT tenant_id FROM audit_kept ORDER BY tenant_id';
    expect(await acme.it.query(tenants)).toEqual([{ tenant_id: 'acme' }]);
    expect(await auditor.it.query(tenants)).toHaveLength(2);
    expect((await searchPage(acme.it, 'since:1d', { tenant: EVERY_TENANT })).events).toHaveLength(
      1,
    );
    await expect(writer.it.query('SELECT data FROM audit_events')).rejects.toThrow(/ACCESS_DENIED/);
    expect(await writer.it.query('SELECT kafka_offset FROM audit_events')).toHaveLength(2);
    for (const reader of [acme.it, auditor.it]) {
      await expect(reader.command('TRUNCATE TABLE audit_events')).rejects.toThrow(/ACCESS_DENIED/);
    }
    await expect(acme.it.query('SELECT query FROM audit_holds')).rejects.toThrow(/ACCESS_DENIED/);
    await expect(acme.it.query('SELECT * FROM audit_quarantine')).rejects.toThrow(/ACCESS_DENIED/);
  });
});

describe.skipIf(!docker)('a worker on the official images', () => {
  let kafka: StartedKafka;
  let container: StartedTestContainer;
  beforeAll(async () => {
    [kafka, container] = await Promise.all([startKafka(), startClickHouse()]);
  }, START_TIMEOUT_MS);
  afterAll(() => Promise.all([kafka.container.stop(), container.stop()]));

  it('takes a topic as the local broker does', async () => {
    const where = { brokers: kafka.brokers, topic: 'audit.events' };
    await expect(createTopic(where, { partitions: 2 })).resolves.toBe(true);
  });

  it(
    'R-DLV-01 every offset is stored once, or once in quarantine',
    async () => {
      await using clickhouse = closing(open(container));
      await migrate(clickhouse.it);
      const place = { brokers: kafka.brokers, clickhouse: clickhouse.it };
      const proof = await carry(MESSAGES, { ...place, environment: environmentOf(container) });
      expect(proof).toMatchObject({
        sound: true,
        totals: { stored: MESSAGES - 1, quarantined: 1 },
      });
    },
    TEST_TIMEOUT_MS,
  );
});

describe.skipIf(!docker)('a worker on a cluster of two servers', () => {
  let kafka: StartedKafka;
  let cluster: StartedCluster;
  beforeAll(async () => {
    [kafka, cluster] = await Promise.all([startKafka(), startCluster()]);
  }, START_TIMEOUT_MS);
  afterAll(() => Promise.all([kafka.container.stop(), cluster.stop()]));

  const server = (index: number): StartedTestContainer => {
    const found = cluster.servers[index];
    if (!found) throw new Error(`There is no server ${index}`);
    return found;
  };

  it(
    'takes every migration on both servers, from either, once, and other days',
    async () => {
      await using first = closing(open(server(0), CLUSTER));
      await using second = closing(open(server(1), CLUSTER));
      expect(await migrate(first.it)).toEqual((await knownMigrations()).map(({ name }) => name));
      expect(await migrate(second.it)).toEqual([]);
      expect((await applyRetention(second.it, { standard: 30 })).changed).toBe(true);
      const tables = (clickhouse: ClickHouse) =>
        clickhouse.query(
          'SELECT name, engine FROM system.tables WHERE database = currentDatabase()',
        );
      expect(await tables(second.it)).toEqual(await tables(first.it));
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'R-DLV-01 every offset is stored once, on both replicas',
    async () => {
      await using clickhouse = closing(open(server(0), CLUSTER));
      await migrate(clickhouse.it);
      const proof = await carry(MESSAGES, {
        brokers: kafka.brokers,
        clickhouse: clickhouse.it,
        environment: { ...environmentOf(server(0)), LEDGERLINE_CLICKHOUSE_CLUSTER: CLUSTER },
      });
      expect(proof).toMatchObject({
        sound: true,
        totals: { stored: MESSAGES - 1, quarantined: 1 },
      });
      for (const index of [0, 1]) {
        await using replica = closing(open(server(index), CLUSTER));
        const kept = await replica.it.query('SELECT count() AS n FROM audit_events_local');
        expect(kept).toEqual([{ n: String(MESSAGES - 1) }]);
      }
    },
    TEST_TIMEOUT_MS,
  );
});

function closing(it: ClickHouse): AsyncDisposable & { readonly it: ClickHouse } {
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
