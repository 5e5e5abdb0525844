import { Command } from 'commander';
import type { WorkerOptions } from '../actions/worker.ts';

export const workerCommand = (): Command =>
  new Command('worker')
    .summary('carry events from Kafka into ClickHouse')
    .description(
      `Runs one worker in the foreground until SIGTERM or SIGINT, which let it finish the batches in
hand (at most LEDGERLINE_DRAIN_TIMEOUT_MS) and leave the group; a second signal ends it at once, which
loses nothing either. Logs are lines of JSON on stdout, without the contents of events. Start as many
as there are partitions, at most. With LEDGERLINE_HTTP_PORT it serves /healthz, /readyz and /metrics.`,
    )
    .option('--check', 'only check the configuration and the connections')
    .option('--json', 'with --check: print one line of JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 drained, 1 stopped because going on could lose or double events, 2 faulty configuration,
143 or 130 ended at once by a second SIGTERM or SIGINT. With --check: 0 a worker could start, 1 it could
not, 2 faulty configuration.

Examples:
  $ ledgerline worker
  $ ledgerline worker --check
  $ ledgerline worker --config /etc/ledgerline/worker.yaml
  $ LEDGERLINE_KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 LEDGERLINE_HTTP_PORT=9464 ledgerline worker
  $ node --env-file=.env dist/cli/ledgerline.js worker`,
    )
    .action(async (options: WorkerOptions) => {
      const { runWorker } = await import('../actions/worker.ts');
      await runWorker(options);
    });
