import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyRetention,
  type ClickHouse,
  migrate,
  openClickHouse,
} from '../../clickhouse/index.ts';
import { knownMigrations } from '../../clickhouse/migrations.ts';
import { createTopic } from '../../consumers/index.ts';
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
