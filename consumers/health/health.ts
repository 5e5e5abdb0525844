/** What a running worker shows of itself over HTTP: alive, ready, metrics. */
import type { Logger } from 'pino';
import type { ClickHouse } from '../../clickhouse/index.ts';
import type { KafkaOptions } from '../kafka.ts';
import type { PartitionFigures } from '../runner-context.ts';
import { type HttpServer, json, servePages } from './http-server.ts';
import { lagOffsets, LagClock } from './lag.ts';
import { readiness, type Readiness } from './readiness.ts';
import { watchTables } from './tables-survey.ts';
import { watchTopic } from './topic-survey.ts';
import type { MetricsSource, WorkerMetrics } from './worker-metrics.ts';

/** What the worker tells of itself, asked afresh each time. */
export interface WorkerState extends Pick<
  MetricsSource,
  'counters' | 'partitions' | 'pausedPartitions' | 'bufferLimitBytes'
> {
  joined(): boolean;
  stopping(): boolean;
  /** The code of the error that has stopped it by itself. */
  halted(): string | undefined;
}

export interface HealthOptions {
  readonly where: { readonly host: string; readonly port: number };
  readonly kafka: KafkaOptions;
  readonly clickhouse: ClickHouse;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  /** Of the worker, as the metrics show it. */
  readonly version: string;
}

export interface Health {
  close(): Promise<void>;
}

/** @throws WorkerError PORT_TAKEN */
export async function openHealth(options: HealthOptions, worker: WorkerState): Promise<Health> {
  const topic = watchTopic({ ...options.kafka, clientId: `${options.kafka.clientId}-health` });
  const tables = watchTables(options.clickhouse);
  const clock = new LagClock();
  const ready = (): Readiness =>
    readiness({
      joined: worker.joined(),
      stopping: worker.stopping(),
      kafkaProblem: topic.survey.problem,
      clickhouseProblem: tables.problem,
      pendingMigrations: tables.latest?.pendingMigrations,
    });
  const high = ({ partition }: PartitionFigures): number =>
    topic.survey.latest?.highs.get(partition) ?? 0;
  const { metrics } = options;
  metrics.show({
    version: options.version,
    counters: () => worker.counters(),
    partitions: () => worker.partitions(),
    pausedPartitions: () => worker.pausedPartitions(),
    bufferLimitBytes: worker.bufferLimitBytes,
    readiness: ready,
    lagOffsets: (figures) => lagOffsets(figures, high(figures)),
    lagSeconds: (figures) => clock.lagSeconds(figures, high(figures), Date.now()),
    topic: () => {
      const known = topic.survey.latest;
      return known && { partitions: known.highs.size, retentionMs: known.retentionMs };
    },
    parts: () => tables.latest?.parts,
  });
  const server = await serve(options, worker, ready);
  topic.survey.start();
  tables.start();
  options.log.info({ code: 'SERVING', url: server.url }, 'serving health and metrics');
  return {
    async close() {
      tables.stop();
      await Promise.all([server.close(), topic.close()]);
    },
  };
}

function serve(
  { where, metrics }: HealthOptions,
  worker: WorkerState,
  ready: () => Readiness,
): Promise<HttpServer> {
  return servePages(where, {
    // That it answers at all shows that the event loop turns.
    '/healthz': () =>
      worker.halted() === undefined
        ? json(200, { alive: true })
        : json(503, { alive: false, code: worker.halted() }),
    '/readyz': () => {
      const answer = ready();
      return json(answer.ready ? 200 : 503, answer);
    },
    '/metrics': async () => ({
      status: 200,
      contentType: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
  });
}
