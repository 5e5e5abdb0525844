import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openClickHouse, type ClickHouse } from 'ledgerline/clickhouse';
import { Program, temporaryFolder } from './processes.ts';
import { say } from './progress.ts';

/** Everything that runs while the demo does. */
export interface Parts {
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly topic: string;
    readonly group: string;
  };
  readonly clickhouse: ClickHouse;
  /** The second of two workers: the one to kill. */
  readonly worker: Program;
  readonly panel: Program;
  readonly panelUrl: string;
  /** Aborts when a part ends by itself, and when somebody presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What `ledgerline stack --json` prints. */
interface Addresses {
  readonly brokers: string;
  readonly clickhouseUrl: string;
  readonly topic: string;
  readonly database: string;
  readonly workerPid: number;
}

const TOPIC = 'audit.events';
const GROUP = 'ledgerline';
const DATABASE = 'ledgerline';

/**
 * Starts Kafka, ClickHouse, two workers and the panel, and has them used. However that ends, it
 * stops what it started, last started first, and removes the folder.
 */
export async function withParts<T>(
  interrupted: AbortSignal,
  use: (parts: Parts) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  const trouble = new AbortController();
  const signal = AbortSignal.any([interrupted, trouble.signal]);
  const start = (
    name: string,
    tells: 'line' | 'message',
    script: readonly [string, ...string[]],
    variables: Readonly<Record<string, string>>,
  ): Program => {
    const program = new Program({ name, script, folder: folder.path, variables, tells });
    program.died.catch((error: unknown) => trouble.abort(error));
    return program;
  };
  const shared = {
    LEDGERLINE_KAFKA_TOPIC: TOPIC,
    LEDGERLINE_KAFKA_GROUP: GROUP,
    LEDGERLINE_CLICKHOUSE_DATABASE: DATABASE,
    // So soon the other worker takes over after a SIGKILL; it is the default, and named because the demo counts on it.
    LEDGERLINE_SESSION_TIMEOUT_MS: '6000',
  };

  say('starting Kafka, ClickHouse and a worker');
  const ports = ['--kafka-port', '0', '--clickhouse-port', '0'];
  const data = ['--data', join(folder.path, 'stack')];
  await using stack = start(
    'stack',
    'line',
    ['cli/ledgerline.js', 'stack', '--json', ...ports, ...data],
    shared,
  );
  const at = JSON.parse(String(await unless(signal, stack.ready))) as Addresses;
  const brokers = at.brokers.split(',');
  const clickhouse = openClickHouse({ url: at.clickhouseUrl, database: at.database });
  await using _clickhouse = { [Symbol.asyncDispose]: () => clickhouse.close() };
  say(`Kafka listens on ${at.brokers}, ClickHouse on ${at.clickhouseUrl}, tables are made`);

  const variables = {
    ...shared,
    LEDGERLINE_KAFKA_BROKERS: at.brokers,
    LEDGERLINE_CLICKHOUSE_URL: at.clickhouseUrl,
    PORT: '0',
    PANEL_SPOOL: join(folder.path, 'spool'),
  };
  const [workerScript, panelScript] = [
    ['cli/ledgerline.js', 'worker'],
    ['examples/panel/main.js'],
  ] as const;
  await using worker = start('second worker', 'message', workerScript, variables);
  await using panel = start('control panel', 'message', panelScript, variables);
  const [, told] = await unless(signal, Promise.all([worker.ready, panel.ready]));
  const { url: panelUrl } = told as { readonly url: string };
  say(
    `workers have the pids ${at.workerPid} and ${worker.pid}, the control panel is at ${panelUrl}`,
  );

  const kafka = { brokers, topic: at.topic, group: GROUP };
  try {
    return await use({ kafka, clickhouse, worker, panel, panelUrl, signal });
  } catch (error) {
    // A connection breaks a moment before we hear that the process at its other end is dead.
    if (!interrupted.aborted) {
      await Promise.race([stack.died, worker.died, panel.died, sleep(1_000)]);
    }
    throw error;
  }
}

/** What the promise says, or the signal's reason, whichever comes first. */
async function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
