import { pino } from 'pino';
import { checkConnections } from '../../consumers/check.ts';
import { startWorker, type Worker } from '../../consumers/worker.ts';
import { LedgerlineError } from '../../schemas/errors.ts';
import { withAddress } from '../clickhouse-connection.ts';
import { withDeadline } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { failureLines } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { packageVersion } from '../package-version.ts';
import { counted, print } from '../terminal.ts';

export interface WorkerOptions {
  readonly check?: true;
  readonly json?: true;
}

export async function runWorker(options: WorkerOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  process.exitCode = await (options.check ? check(environment, options) : work(environment));
}

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
