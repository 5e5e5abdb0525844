import { join } from 'node:path';
import { type Engine, startEngine } from './engine.ts';
import { type Compiler, type Kafka, startKafka } from './kafka.ts';
import { DEFAULT_STACK_DIR } from './project-root.ts';

export interface StackOptions {
  /** Both parts keep their data here. Default: DEFAULT_STACK_DIR. */
  readonly dataDir?: string | undefined;
  /** Default: any free port. */
  readonly kafkaPort?: number | undefined;
  /** Default: any free port. */
  readonly clickhousePort?: number | undefined;
  /** Of Kafka's JVM. Default: quick. */
  readonly compiler?: Compiler | undefined;
}

export interface Stack {
  readonly kafka: Kafka;
  readonly engine: Engine;
  /** Stops the engine, then Kafka. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts Kafka and the ClickHouse engine, at the same time, on 127.0.0.1. Two stacks with folders
 * of their own run side by side. Topic and tables are made by others.
 *
 * @example
 * const stack = await startStack({ dataDir: '/tmp/stack' });
 * console.log(stack.kafka.brokers, stack.engine.url);
 * await stack.stop();
 *
 * @throws LedgerlineError as startKafka and startEngine do; what had started is stopped first
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dataDir = options.dataDir ?? DEFAULT_STACK_DIR;
  const [kafka, engine] = await Promise.allSettled([
    startKafka({
      dataDir: join(dataDir, 'kafka'),
      port: options.kafkaPort,
      compiler: options.compiler,
    }),
    startEngine({ dataDir: join(dataDir, 'clickhouse'), port: options.clickhousePort }),
  ]);
  if (kafka.status === 'rejected' || engine.status === 'rejected') {
    if (engine.status === 'fulfilled') await engine.value.stop();
    if (kafka.status === 'fulfilled') await kafka.value.stop();
    throw kafka.status === 'rejected' ? kafka.reason : (engine as PromiseRejectedResult).reason;
  }
  const stopBoth = async (): Promise<void> => {
    try {
      await engine.value.stop();
    } finally {
      await kafka.value.stop();
    }
  };
  let stopped: Promise<void> | undefined;
  return {
    kafka: kafka.value,
    engine: engine.value,
    stop: () => (stopped ??= stopBoth()),
  };
}
