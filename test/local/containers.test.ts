import kafkajs from 'kafkajs';
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../local/free-port.ts';
import { describeClickHouse } from './clickhouse-conformance.ts';

// The images of docker-compose.yml.
const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7';
const KAFKA_IMAGE = 'apache/kafka:4.1.1';
const START_TIMEOUT_MS = 180_000;
const NO_DOCKER = 'Could not find a working container runtime strategy';

const docker = await hasDocker();
if (!docker) {
  console.info(`The suites on ${CLICKHOUSE_IMAGE} and ${KAFKA_IMAGE} are skipped: ${NO_DOCKER}.`);
}

describe.skipIf(!docker)('the official ClickHouse image', () => {
  const password = 'conformance';
  let container: StartedTestContainer;
  beforeAll(async () => {
    container = await new GenericContainer(CLICKHOUSE_IMAGE)
      .withEnvironment({ CLICKHOUSE_PASSWORD: password })
      .withExposedPorts(8123)
      .withWaitStrategy(
        Wait.forHttp('/ping', 8123).forResponsePredicate((text) => text === 'Ok.\n'),
      )
      .withStartupTimeout(START_TIMEOUT_MS)
      .start();
  }, START_TIMEOUT_MS);
  afterAll(() => container.stop());

  describeClickHouse(CLICKHOUSE_IMAGE, () => ({
    url: `http://${container.getHost()}:${container.getMappedPort(8123)}`,
    user: 'default',
    password,
  }));
});

describe.skipIf(!docker)('the official Kafka image', () => {
  let container: StartedTestContainer;
  let port: number;
  beforeAll(async () => {
    // The broker tells clients its own address, so the port must be known before it starts.
    port = await freePort();
    container = await new GenericContainer(KAFKA_IMAGE)
      .withEnvironment({
        KAFKA_NODE_ID: '1',
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
        KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '1@127.0.0.1:9093',
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      })
      .withExposedPorts({ container: 9092, host: port })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .withStartupTimeout(START_TIMEOUT_MS)
      .start();
  }, START_TIMEOUT_MS);
  afterAll(() => container.stop());

  it('takes a topic as the local broker does', async () => {
    const kafka = new kafkajs.Kafka({
      brokers: [`127.0.0.1:${port}`],
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    try {
      await admin.createTopics({ topics: [{ topic: 'audit.events', numPartitions: 2 }] });
      expect(await admin.listTopics()).toContain('audit.events');
    } finally {
      await admin.disconnect();
    }
  });
});
async function hasDocker(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes(NO_DOCKER)) return false;
    throw error;
  }
}
