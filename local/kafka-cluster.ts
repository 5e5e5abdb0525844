import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { newId } from './kafka/format.ts';
import { type Kafka, startKafka } from './kafka.ts';

export interface KafkaCluster {
  readonly brokers: readonly string[];
  readonly nodes: readonly Kafka[];
  /** Stops every node that still runs. Safe to call twice. */
  stop(): Promise<void>;
}

export interface KafkaClusterOptions {
  /** Each node has a folder of its own in it. */
  readonly dataDir: string;
  /** Brokers and controllers at once; an odd number keeps a majority longest. */
  readonly nodes: number;
}

/**
 * Starts several Kafka nodes on 127.0.0.1 as one cluster, with every internal topic on up to three of
 * them, and resolves when all answer. Each is a JVM of some 350 MB.
 *
 * @example
 * const cluster = await startKafkaCluster({ dataDir: '/tmp/kafkas', nodes: 3 });
 * cluster.nodes[0]?.kill('SIGKILL');
 * await cluster.stop();
 *
 * @throws LedgerlineError as startKafka does; what had started is stopped first
 */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const places = await Promise.all(
    Array.from({ length: options.nodes }, async (_, index) => ({
      id: index + 1,
      port: await freePort(),
      controllerPort: await freePort(),
    })),
  );
  const voters = places.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  const replicas = Math.min(3, options.nodes);
  const inSync = Math.min(2, replicas);
  const clusterId = newId();
  const starting = await Promise.allSettled(
    places.map(({ id, port, controllerPort }) =>
      startKafka({
        dataDir: join(options.dataDir, `node-${id}`),
        port,
        controllerPort,
        clusterId,
        config: {
          'node.id': id,
          'controller.quorum.voters': voters.join(','),
          'offsets.topic.replication.factor': replicas,
          'transaction.state.log.replication.factor': replicas,
          'transaction.state.log.min.isr': inSync,
          'share.coordinator.state.topic.replication.factor': replicas,
          'share.coordinator.state.topic.min.isr': inSync,
        },
      }),
    ),
  );
  const nodes = starting.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  // Together: the last one alone would wait for a majority to say goodbye to.
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const failed = starting.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { brokers: nodes.flatMap(({ brokers }) => brokers), nodes, stop };
}
