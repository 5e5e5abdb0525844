/** A scene with an engine of its own, which a test may kill, stop, fill up and start again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, startEngine } from '../../local/engine.ts';
import { freePort } from '../../local/free-port.ts';
import { type EngineProxy, openEngineProxy } from './engine-proxy.ts';
import type { Scene } from './scene.ts';
import type { Stage } from './stage.ts';
import { until } from './until.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface EngineScene {
  readonly its: Scene;
  /** In front of the engine: where the workers send everything. */
  readonly proxy: EngineProxy;
  /** The engine of the moment. */
  readonly engine: Engine;
  /** Ends the engine and starts it again on the same folder and port. */
  restart(how: NodeJS.Signals, password?: string): Promise<void>;
  /** Workers that have joined the group. */
  workers(count: number, env?: Readonly<Record<string, string>>): Promise<WorkerProcess[]>;
  /** A statement for the tables of this scene, past the proxy. */
  command(sql: string): Promise<void>;
}

/** Short deadlines, so that silence is soon noticed; the lease is twice the insert's, as it has to be. */
const QUICK = {
  LEDGERLINE_INSERT_TIMEOUT_MS: '2500',
  LEDGERLINE_LEASE_MS: '5000',
};

export interface EngineSceneOptions {
  /** Where the engine keeps its tables. Default: a new folder. */
  readonly dataDir?: string;
  readonly partitions?: number;
}

export async function engineScene(
  stage: Stage,
  options: EngineSceneOptions = {},
): Promise<EngineScene> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'ledgerline-engine-'));
  if (options.dataDir === undefined) {
    stage.atEnd(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  }
  const port = await freePort();
  let engine = await startEngine({ dataDir, port });
  stage.atEnd(async () => {
    // One that is stopped would sleep through SIGTERM.
    engine.kill('SIGCONT');
    await engine.stop();
  });
  const its = await stage.scene({
    clickhouseUrl: engine.url,
    partitions: options.partitions ?? 4,
  });
  // A broker that has just started makes its offsets topic first, and workers give it five seconds.
  await until(
    'the broker has a coordinator for the group',
    () => its.committed(),
    () => true,
  );
  const proxy = await openEngineProxy(engine.url);
  stage.atEnd(() => proxy.close());
  return {
    its,
    proxy,
    get engine() {
      return engine;
    },
    async restart(how, password) {
      engine.kill(how);
      await engine.exited;
      engine = await startEngine({ dataDir, port, password });
    },
    async workers(count, env = {}) {
      const started = Array.from({ length: count }, () =>
        its.worker({ ...QUICK, ...env }, { clickhouseUrl: proxy.url }),
      );
      for (const worker of started) await worker.logged('joined the group', 90_000);
      return started;
    },
    command: (sql) => its.clickhouse.command(sql),
  };
}
