import { migrate } from '../../clickhouse/index.ts';
import { createTopic } from '../../consumers/index.ts';
import { startStack } from '../../local/stack.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { type Environment, readEnvironment, variablesOf } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { environmentOf } from '../stack/addresses.ts';
import { whatNext } from '../stack/what-next.ts';
import { CLICKHOUSE_PORT, KAFKA_PORT } from '../stack/ports.ts';
import { startWorkerProcess } from '../stack/worker-process.ts';
import { asideColours, print, say } from '../terminal.ts';

const PARTITIONS = 4;

export interface StackCommandOptions {
  readonly kafkaPort: number;
  readonly clickhousePort: number;
  readonly data: string;
  readonly json?: true;
}

export async function runStack(options: StackCommandOptions): Promise<void> {
  process.exitCode = await serve(options);
}

async function serve(options: StackCommandOptions): Promise<ExitCode> {
  // Also what only the worker reads: its faults are better told before anything runs.
  const configured = readEnvironment(process.env);
  using interruption = interruptible();
  say('Starting Kafka and ClickHouse …');
  const stack = await startStack({
    dataDir: options.data,
    kafkaPort: options.kafkaPort || undefined,
    clickhousePort: options.clickhousePort || undefined,
  });
  try {
    if (interruption.signal.aborted) return EXIT.fine;
    const { kafka, clickhouse } = configured.worker;
    const said = variablesOf(process.env);
    const variables = environmentOf(stack, kafka.topic, clickhouse.database, said);
    await prepare(readEnvironment({ ...said, ...variables }));
    if (interruption.signal.aborted) return EXIT.fine;
    const worker = await startWorkerProcess({ ...said, ...variables });
    try {
      await worker.ready;
      const addresses = {
        brokers: stack.kafka.brokers.join(','),
        clickhouseUrl: stack.engine.url,
        topic: kafka.topic,
        database: clickhouse.database,
        workerPid: worker.pid,
      };
      if (options.json) print(JSON.stringify(addresses));
      else for (const line of whatNext(addresses, variables, DEFAULTS)) print(line);
      return await untilTheEnd(interruption.signal, {
        'the worker': worker.exited,
        Kafka: stack.kafka.exited,
        ClickHouse: stack.engine.exited,
      });
    } finally {
      say('Stopping …');
      await worker.stop();
    }
  } finally {
    await stack.stop();
    say('Stopped.');
  }
}

const DEFAULTS = {
  LEDGERLINE_KAFKA_BROKERS: `127.0.0.1:${KAFKA_PORT}`,
  LEDGERLINE_KAFKA_TOPIC: 'audit.events',
  LEDGERLINE_CLICKHOUSE_URL: `http://127.0.0.1:${CLICKHOUSE_PORT}`,
  LEDGERLINE_CLICKHOUSE_DATABASE: 'ledgerline',
};

async function prepare(environment: Environment): Promise<void> {
  await createTopic(environment.worker.kafka, { partitions: PARTITIONS });
  const applied = await withClickHouse(environment, (clickhouse) => migrate(clickhouse));
  for (const name of applied) say(`Applied ${name}.`);
}

/** Waits for Ctrl-C; a part that ends by itself ends all. */
async function untilTheEnd(
  signal: AbortSignal,
  parts: Readonly<Record<string, Promise<unknown>>>,
): Promise<ExitCode> {
  const interrupted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const ended = Object.entries(parts).map(([name, exited]) => exited.then(() => name));
  const first = await Promise.race([interrupted, ...ended]);
  if (first === undefined) return EXIT.fine;
  say(`${asideColours.red('ledgerline:')} ${first} has ended by itself; its last lines are above.`);
  return EXIT.faults;
}
