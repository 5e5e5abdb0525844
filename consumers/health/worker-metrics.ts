/**
 * A worker's Prometheus metrics. What the worker counts anyway is read when somebody scrapes; only the
 * histograms are filled as things happen. docs/metrics.md describes each. Labels come from closed lists,
 * from the partitions that this worker owns, and from the ledger's two tables.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Counters, PartitionFigures } from '../runner-context.ts';
import { CHECKS, type Readiness } from './readiness.ts';
import type { InsertObserved } from './observed-clickhouse.ts';
import type { TableParts } from './tables-survey.ts';

export interface MetricsSource {
  readonly version: string;
  counters(): Counters;
  /** Of the partitions that this worker owns. */
  partitions(): readonly PartitionFigures[];
  pausedPartitions(): number;
  readonly bufferLimitBytes: number;
  readiness(): Readiness;
  lagSeconds(partition: PartitionFigures): number;
  lagOffsets(partition: PartitionFigures): number;
  /** `undefined` while the topic, or the tables, were never asked for. */
  topic(): { readonly partitions: number; readonly retentionMs: number } | undefined;
  parts(): readonly TableParts[] | undefined;
}

type Series = readonly [labels: Readonly<Record<string, string | number>>, value: number];

const INSERT_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60];
const BATCH_ROWS = [1, 10, 100, 500, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000];

export class WorkerMetrics {
  readonly registry = new Registry();
  readonly #insertSeconds: Histogram;
  readonly #insertRows: Histogram;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#insertSeconds = new Histogram({
      name: 'ledgerline_worker_insert_seconds',
      help: 'How long inserts took, by table and end: stored, refused, or unclear (no answer).',
      labelNames: ['table', 'outcome'],
      buckets: INSERT_SECONDS,
      registers,
    });
    this.#insertRows = new Histogram({
      name: 'ledgerline_worker_insert_rows',
      help: 'Rows of the inserts that were stored, by table.',
      labelNames: ['table'],
      buckets: BATCH_ROWS,
      registers,
    });
  }

  readonly inserted = ({ table, outcome, seconds, rows }: InsertObserved): void => {
    this.#insertSeconds.observe({ table, outcome }, seconds);
    if (outcome === 'stored') this.#insertRows.observe({ table }, rows);
  };

  /** Shows what a worker knows of itself; once for each registry. */
  show(source: MetricsSource): void {
    const registers = [this.registry];
    const series =
      (kind: 'counter' | 'gauge') =>
      (name: string, help: string, labelNames: string[], read: () => Series[]): void => {
        const options = { name: `ledgerline_${name}`, help, labelNames, registers };
        if (kind === 'counter') {
          new Counter({
            ...options,
            collect() {
              this.reset();
              for (const [labels, value] of read()) this.inc(labels, value);
            },
          });
        } else {
          new Gauge({
            ...options,
            collect() {
              this.reset();
              for (const [labels, value] of read()) this.set(labels, value);
            },
          });
        }
      };
    const one = (value: number): Series[] => [[{}, value]];
    showCounts(series('counter'), source, one);
    showState(series('gauge'), source, one);
  }
}

type Show = (name: string, help: string, labelNames: string[], read: () => Series[]) => void;

function showCounts(counter: Show, source: MetricsSource, one: (value: number) => Series[]): void {
  const counts = (): Counters => source.counters();
  counter('worker_rows_total', 'Events stored in the ledger and committed.', [], () =>
    one(counts().rows),
  );
  counter(
    'worker_bytes_total',
    'Bytes of messages, before compression, of these batches.',
    [],
    () => one(counts().bytes),
  );
  counter('worker_batches_total', 'Batches stored and committed.', [], () => one(counts().batches));
  counter('worker_quarantined_total', 'Messages put into quarantine, by reason.', ['reason'], () =>
    Object.entries(counts().quarantinedBy).map(([reason, value]): Series => [{ reason }, value]),
  );
  counter(
    'worker_retries_total',
    'Things tried again, by class: an outage of clickhouse or kafka, a lease that ran out, refused content.',
    ['class'],
    () => {
      const { clickhouseRetries, kafkaRetries, leasesOver, refusals } = counts();
      return [
        [{ class: 'clickhouse' }, clickhouseRetries],
        [{ class: 'kafka' }, kafkaRetries],
        [{ class: 'lease' }, leasesOver],
        [{ class: 'content' }, refusals],
      ];
    },
  );
  counter(
    'worker_dead_letters_total',
    'Quarantined messages mirrored to the dead-letter topic, by end: sent, or given_up.',
    ['end'],
    () => [
      [{ end: 'sent' }, counts().mirrored],
      [{ end: 'given_up' }, counts().mirrorFailures],
    ],
  );
  counter('worker_rebalances_total', 'Generations of the group that this worker joined.', [], () =>
    one(counts().rebalances),
  );
  counter(
    'worker_recoveries_total',
    'Partitions taken over in the middle of a batch, which was looked up and finished.',
    [],
    () => one(counts().recoveries),
  );
  counter(
    'worker_healed_rows_total',
    'Rows that an acknowledged insert had left out, inserted again.',
    [],
    () => one(counts().healed),
  );
  counter(
    'worker_fenced_total',
    'Batches left to the next owner because the session was over.',
    [],
    () => one(counts().fenced),
  );
}

function showState(gauge: Show, source: MetricsSource, one: (value: number) => Series[]): void {
  gauge('worker_info', 'Always 1; the version of the worker.', ['version'], () => [
    [{ version: source.version }, 1],
  ]);
  gauge('worker_ready', '1 where the check of /readyz is passed, else 0.', ['check'], () => {
    const { checks } = source.readiness();
    return CHECKS.map((check): Series => [{ check }, checks[check].ok ? 1 : 0]);
  });
  gauge('worker_assigned_partitions', 'Partitions that this worker owns.', [], () =>
    one(source.partitions().length),
  );
  gauge('worker_paused_partitions', 'Of these, the ones that may not fetch just now.', [], () =>
    one(source.pausedPartitions()),
  );
  gauge(
    'worker_waiting_partitions',
    'Of these, the ones that wait for an outage of ClickHouse or Kafka to end.',
    [],
    () => one(source.partitions().filter(({ outageSince }) => outageSince > 0).length),
  );
  gauge('worker_lag_offsets', 'Offsets that are not stored and committed yet.', ['partition'], () =>
    source
      .partitions()
      .map((partition): Series => [
        { partition: partition.partition },
        source.lagOffsets(partition),
      ]),
  );
  gauge(
    'worker_lag_seconds',
    "Age of the oldest event that is not stored and committed yet, by Kafka's timestamp.",
    ['partition'],
    () =>
      source
        .partitions()
        .map((partition): Series => [
          { partition: partition.partition },
          source.lagSeconds(partition),
        ]),
  );
  gauge('worker_buffer_bytes', 'Bytes of messages in memory.', [], () =>
    one(source.partitions().reduce((sum, { heldBytes }) => sum + heldBytes, 0)),
  );
  gauge('worker_buffer_limit_bytes', 'LEDGERLINE_BUFFER_BYTES.', [], () =>
    one(source.bufferLimitBytes),
  );
  gauge('topic_partitions', 'Partitions of the topic.', [], () =>
    ofKnown(source.topic(), ({ partitions }) => one(partitions)),
  );
  gauge('topic_retention_seconds', 'How long Kafka keeps events; -1: for ever.', [], () =>
    ofKnown(source.topic(), ({ retentionMs }) => one(retentionMs < 0 ? -1 : retentionMs / 1000)),
  );
  gauge('table_parts', 'Active parts of the table.', ['table'], () =>
    ofKnown(source.parts(), (tables) =>
      tables.map(({ table, parts }): Series => [{ table }, parts]),
    ),
  );
  gauge(
    'table_partition_parts_max',
    'Active parts of the table partition that has the most.',
    ['table'],
    () =>
      ofKnown(source.parts(), (tables) =>
        tables.map(({ table, mostOfOnePartition }): Series => [{ table }, mostOfOnePartition]),
      ),
  );
}

const ofKnown = <T>(value: T | undefined, series: (known: T) => Series[]): Series[] =>
  value === undefined ? [] : series(value);
