import { Command } from 'commander';
import { pino } from 'pino';
import { startWorker } from '../../consumers/index.ts';
import { withAddress } from '../clickhouse-connection.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { packageVersion } from '../package-version.ts';

export const workerCommand = (): Command =>
  new Command('worker')
    .summary('carry events from Kafka into ClickHouse')
    .description(
      `Runs one worker in the foreground until SIGTERM or SIGINT, which let it finish the batches in
hand; a second signal ends it at once, which loses nothing either. Logs are lines of JSON on stdout,
without the contents of events. Start as many as there are partitions, at most.`,
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 drained, 1 stopped because going on could lose or double events, 2 faulty configuration.

Examples:
  $ ledgerline worker
  $ LEDGERLINE_KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 LEDGERLINE_LOG_LEVEL=debug ledgerline worker
  $ node --env-file=.env dist/cli/ledgerline.js worker`,
    )
    .action(async () => {
      process.exitCode = await work();
    });

async function work(): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  const config = environment.worker;
  const log = pino({ level: config.logLevel, base: { pid: process.pid } });
  using interruption = interruptible();
  const worker = await startWorker(config, log, packageVersion()).catch((error: unknown) => {
    throw withAddress(environment, error);
  });
  // Whoever started it with a channel, as `ledgerline stack` does, hears that it has joined.
  process.send?.('ready');
  const stop = (): void => void worker.stop();
  if (interruption.signal.aborted) stop();
  interruption.signal.addEventListener('abort', stop, { once: true });
  await worker.done;
  return EXIT.fine;
}
