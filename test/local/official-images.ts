import {
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import { freePort } from '../../local/free-port.ts';

// The images of docker-compose.yml.
export const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7';
export const KAFKA_IMAGE = 'apache/kafka:4.1.1';
export const START_TIMEOUT_MS = 180_000;
export const NO_DOCKER = 'Could not find a working container runtime strategy';

export const PASSWORD = 'conformance';
/** The name in `remote_servers`. */
export const CLUSTER = 'audit';

export async function hasDocker(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes(NO_DOCKER)) return false;
    throw error;
  }
}

const clickHouse = (): GenericContainer =>
  new GenericContainer(CLICKHOUSE_IMAGE)
    .withEnvironment({ CLICKHOUSE_PASSWORD: PASSWORD })
    .withExposedPorts(8123)
    .withWaitStrategy(Wait.forHttp('/ping', 8123).forResponsePredicate((text) => text === 'Ok.\n'))
    .withStartupTimeout(START_TIMEOUT_MS);

export const urlOf = (container: StartedTestContainer): string =>
  `http://${container.getHost()}:${container.getMappedPort(8123)}`;

export const startClickHouse = (): Promise<StartedTestContainer> => clickHouse().start();

export interface StartedKafka {
  readonly container: StartedTestContainer;
  readonly brokers: string[];
}

export async function startKafka(): Promise<StartedKafka> {
  // The broker tells clients its own address, so the port must be known before it starts.
  const port = await freePort();
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@127.0.0.1:9093',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
    .withExposedPorts({ container: 9092, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return { container, brokers: [`127.0.0.1:${port}`] };
}

export interface StartedCluster {
  /** Two replicas of one shard. */
  readonly servers: readonly StartedTestContainer[];
  stop(): Promise<void>;
}

/** The first server has the keeper for both. */
export async function startCluster(): Promise<StartedCluster> {
  const network: StartedNetwork = await new Network().start();
  const servers: StartedTestContainer[] = [];
  for (const name of ['ch-1', 'ch-2']) {
    servers.push(
      await clickHouse()
        .withNetwork(network)
        .withNetworkAliases(name)
        .withCopyContentToContainer([
          {
            content: clusterConfiguration(name),
            target: '/etc/clickhouse-server/config.d/cluster.xml',
          },
        ])
        .start(),
    );
  }
  return {
    servers,
    async stop() {
      for (const server of servers) await server.stop();
      await network.stop();
    },
  };
}

const KEEPER = `
  <keeper_server>
    <tcp_port>9181</tcp_port>
    <server_id>1</server_id>
    <log_storage_path>/var/lib/clickhouse/coordination/log</log_storage_path>
    <snapshot_storage_path>/var/lib/clickhouse/coordination/snapshots</snapshot_storage_path>
    <raft_configuration>
      <server><id>1</id><hostname>ch-1</hostname><port>9234</port></server>
    </raft_configuration>
  </keeper_server>`;

const clusterConfiguration = (name: string): string => `<clickhouse>
  <listen_host>0.0.0.0</listen_host>
  <interserver_http_host>${name}</interserver_http_host>
  <macros><shard>1</shard><replica>${name}</replica></macros>
  <remote_servers>
    <${CLUSTER}>
      <secret>between the nodes</secret>
      <shard>
        <internal_replication>true</internal_replication>
        <replica><host>ch-1</host><port>9000</port></replica>
        <replica><host>ch-2</host><port>9000</port></replica>
      </shard>
    </${CLUSTER}>
  </remote_servers>
  <zookeeper><node><host>ch-1</host><port>9181</port></node></zookeeper>
  <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
  ${name === 'ch-1' ? KEEPER : ''}
</clickhouse>
`;
