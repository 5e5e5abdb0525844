import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LedgerlineError } from '../schemas/index.ts';
import { type Child, type Exit, spawnChild } from './child.ts';
import { choosePort, freePort } from './free-port.ts';
import { USING_CLASS_ARCHIVE, writingClassArchive } from './kafka/class-archive.ts';
import { formatFolder, newId } from './kafka/format.ts';
import { findJava } from './kafka/java.ts';
import { recordOwner, refuseOwned } from './kafka/owner.ts';
import { answersAsKafka } from './kafka/probe.ts';
import {
  type KafkaProperties,
  LOG4J_PROPERTIES,
  propertiesFile,
  serverProperties,
} from './kafka/properties.ts';
import { PROJECT_ROOT } from './project-root.ts';
import { waitUntilReady } from './wait-until-ready.ts';

const KAFKA_START_TIMEOUT_MS = 60_000;
const KAFKA_STOP_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 1000;

export interface KafkaOptions {
  /** Topics, configuration and kafka.log live here; made when missing. */
  readonly dataDir: string;
  /** Where the broker listens on 127.0.0.1. Default: any free port. */
  readonly port?: number | undefined;
  /** Where its controller listens. Default: any free port. */
  readonly controllerPort?: number | undefined;
  /** Of a new folder: 22 characters of base64url. Default: one of its own. */
  readonly clusterId?: string | undefined;
  /** Kafka's own settings, over the defaults for one node. */
  readonly config?: KafkaProperties | undefined;
  /**
   * Users of SCRAM-SHA-256 and -512 with their passwords, made with a new folder. For tests and trials:
   * the passwords are arguments of the program that makes it.
   */
  readonly scramUsers?: Readonly<Record<string, string>> | undefined;
  /**
   * `quick`: as little compiling and collecting of garbage as does, for trials and tests: the JVM starts
   * for half of the CPU time. `optimizing`: as in production, for measurements. Default: quick.
   */
  readonly compiler?: Compiler | undefined;
  /** Default: KAFKA_START_TIMEOUT_MS. */
  readonly startTimeoutMs?: number | undefined;
  /** Where `java` is looked for: PATH and JAVA_HOME. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Where this node's JVM leaves its classes when it ends, for others to start by (kafka/class-archive.ts). */
  readonly writeClassesTo?: string | undefined;
}

/** How much a JVM optimizes what it runs. */
export type Compiler = keyof typeof COMPILER_FLAGS;

const COMPILER_FLAGS = {
  quick: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
  optimizing: [],
} as const;

export interface Kafka {
  /** `host:port` of the one broker, as clients take it. */
  readonly brokers: readonly string[];
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Sends a signal to the JVM: a fault from outside. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGTERM, then SIGKILL after KAFKA_STOP_TIMEOUT_MS. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts one Kafka 4 node (KRaft, broker and controller in one JVM) on 127.0.0.1 and resolves
 * when it answers requests. Starting again on the same folder and port continues its topics, also
 * after SIGKILL. The JVM ends with this process, however this process ends.
 *
 * @example
 * const kafka = await startKafka({ dataDir: '/tmp/kafka' });
 * console.log(kafka.brokers); // ['127.0.0.1:23817']
 * await kafka.stop();
 *
 * @throws LedgerlineError JAVA_UNUSABLE (no Java, or older than 17), LOCAL_PART_MISSING (no jars),
 *   PORT_TAKEN, FOLDER_LOCKED, LOCAL_START_FAILED (it ended, or did not answer in time)
 */
export async function startKafka(options: KafkaOptions): Promise<Kafka> {
  const env = options.env ?? process.env;
  const classPath = jars();
  const java = await findJava(env);
  const home = resolve(options.dataDir);
  const properties = join(home, 'server.properties');
  await refuseOwned(home, properties);
  const port = await choosePort('Kafka', options.port);
  await mkdir(home, { recursive: true });
  const controllerPort = options.controllerPort ?? (await freePort());
  const place = { port, controllerPort, dataDir: join(home, 'data') };
  await writeFile(properties, propertiesFile(serverProperties(place, options.config ?? {})));
  const log4j = join(home, 'log4j2.properties');
  await writeFile(log4j, LOG4J_PROPERTIES);
  if (!existsSync(join(place.dataDir, 'meta.properties'))) {
    const { clusterId = newId(), scramUsers: users = {} } = options;
    const { dataDir } = place;
    const isUsual = options.config === undefined;
    await formatFolder({ java, classPath, properties, dataDir, env, users, clusterId, isUsual });
  }

  const log = join(home, 'kafka.log');
  const classes = options.writeClassesTo
    ? writingClassArchive(options.writeClassesTo)
    : USING_CLASS_ARCHIVE;
  const flags = [...COMPILER_FLAGS[options.compiler ?? 'quick'], ...classes];
  const child = await spawnJvm({ java, flags, classPath, properties, log4j, log, env });
  await recordOwner(home, child.pid).catch(async (error: unknown) => {
    await child.stop(0);
    throw error;
  });
  await waitUntilReady({
    what: 'Kafka',
    address: `127.0.0.1:${port}`,
    child,
    timeoutMs: options.startTimeoutMs ?? KAFKA_START_TIMEOUT_MS,
    probe: () => answersAsKafka(port, PROBE_TIMEOUT_MS),
    log,
  });
  return {
    brokers: [`127.0.0.1:${port}`],
    port,
    pid: child.pid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    stop: async () => void (await child.stop(KAFKA_STOP_TIMEOUT_MS)),
  };
}

function jars(): string {
  const folder = join(PROJECT_ROOT, '.local', 'kafka', 'libs');
  if (existsSync(folder) && readdirSync(folder).some((file) => file.startsWith('kafka_'))) {
    return join(folder, '*');
  }
  throw new LedgerlineError('LOCAL_PART_MISSING', `Kafka's jars are not in ${folder}`, {
    hint: 'Fetch them with: npm run ready',
  });
}

async function spawnJvm(part: {
  java: string;
  flags: readonly string[];
  classPath: string;
  properties: string;
  log4j: string;
  log: string;
  env: NodeJS.ProcessEnv;
}): Promise<Child> {
  const log = await open(part.log, 'a');
  try {
    return await spawnChild({
      command: part.java,
      args: [
        '-Xms256m',
        '-Xmx512m',
        '-Djava.awt.headless=true',
        ...part.flags,
        `-Dlog4j2.configurationFile=${part.log4j}`,
        '-cp',
        part.classPath,
        'kafka.Kafka',
        part.properties,
      ],
      stdio: ['ignore', log.fd, log.fd],
      env: part.env,
    });
  } finally {
    await log.close();
  }
}
