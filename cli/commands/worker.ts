import { Command } from 'commander';
import { pino } from 'pino';
import { checkConnections, startWorker, type Worker } from '../../consumers/index.ts';
import { LedgerlineError } from '../../schemas/index.ts';
import { withAddress } from '../clickhouse-connection.ts';
import { withDeadline } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { failureLines } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { packageVersion } from '../package-version.ts';
import { counted, print } from '../terminal.ts';

interface WorkerOptions {
  readonly check?: true;
  readonly json?: true;
}

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
      const environment = readEnvironment(process.env);
      process.exitCode = await (options.check ? check(environment, options) : work(environment));
    });

async function work(environment: Environment): Promise<ExitCode> {
  const config = environment.worker;
  const log = pino({ level: config.logLevel, base: { pid: process.pid } });
  using interruption = interruptible();
  const { signal } = interruption;
  const starting = startWorker(config, log, packageVersion()).catch((error: unknown) => {
    throw withAddress(environment, error);
  });
  const stopped = new Promise<'stopped'>((resolve) =>
    signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
  );
  const worker = await Promise.race([starting, stopped]);
  if (worker === 'stopped') {
    await stopWhileStarting(starting, config.drainTimeoutMs);
    return EXIT.fine;
  }
  // Whoever started it with a channel, as `ledgerline stack` does, hears that it has joined.
  process.send?.('ready');
  void stopped.then(() => worker.stop());
  await worker.done;
  return EXIT.fine;
}

/** Nothing is in hand yet, or the next owner finishes it: it is not waited for any longer than for a drain. */
async function stopWhileStarting(starting: Promise<Worker>, timeoutMs: number): Promise<void> {
  const done = starting.then((worker) => worker.stop());
  const late = (): LedgerlineError =>
    new LedgerlineError('DEADLINE_EXCEEDED', 'The worker is still starting.', { hint: 'Wait.' });
  await withDeadline(done, timeoutMs, late).catch(() => undefined);
}

async function check(environment: Environment, { json }: WorkerOptions): Promise<ExitCode> {
  const { kafka, clickhouse, http } = environment.worker;
  const found = await checkConnections(environment.worker).catch((error: unknown) => {
    if (!(error instanceof AggregateError)) throw error;
    const errors = error.errors.map((one) => withAddress(environment, one));
    if (json) print(JSON.stringify({ ok: false, problems: errors.flatMap(failureLines) }));
    throw new AggregateError(errors);
  });
  if (json) {
    print(
      JSON.stringify({ ok: true, topic: kafka.topic, database: clickhouse.database, ...found }),
    );
    return EXIT.fine;
  }
  const { partitions, pendingMigrations } = found;
  print(
    `Kafka at ${kafka.brokers.join(', ')}: topic ${kafka.topic}, ${counted(partitions, 'partition')}`,
  );
  print(`ClickHouse at ${new URL(clickhouse.url).origin}: database ${clickhouse.database}`);
  for (const name of pendingMigrations) {
    print(`migration ${name} is not applied: run \`ledgerline migrate\``);
  }
  print(
    http
      ? `health and metrics would be served on ${http.host}:${http.port}`
      : 'no health or metrics: LEDGERLINE_HTTP_PORT is not set',
  );
  print('a worker could start');
  return EXIT.fine;
}
