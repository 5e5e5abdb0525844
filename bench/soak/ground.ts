/** What the soak runs on: one broker and one engine that come back where they were, and workers that do too. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Engine, startEngine } from '../../local/engine.ts';
import { type Kafka, startKafka } from '../../local/kafka.ts';
import { type BrokerProxy, openBrokerProxy } from '../../test/support/broker-proxy.ts';
import { type Gate, openGate } from '../../test/support/gate.ts';
import { openScene, type Scene } from '../../test/support/scene.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { peakRssMb } from '../process-usage.ts';

/** Short, so that minutes hold many of them. */
const WORKER_ENV = {
  LEDGERLINE_INSERT_TIMEOUT_MS: '5000',
  LEDGERLINE_LEASE_MS: '10000',
};
const SUPERVISE_MS = 500;

export class Ground {
  readonly scene: Scene;
  readonly proxy: BrokerProxy;
  readonly gate: Gate;
  kafka: Kafka;
  engine: Engine;
  readonly workers: WorkerProcess[] = [];
  workersStarted = 0;
  peakRssMb = 0;
  /** The last words of workers that stopped by themselves, by code; Kafka or ClickHouse may just be away. */
  readonly ownStops = new Map<string, number>();
  readonly #folder: string;
  readonly #ending = new AbortController();
  #supervising: Promise<void> = Promise.resolve();

  private constructor(
    folder: string,
    parts: { kafka: Kafka; engine: Engine; scene: Scene; proxy: BrokerProxy; gate: Gate },
  ) {
    this.#folder = folder;
    this.kafka = parts.kafka;
    this.engine = parts.engine;
    this.scene = parts.scene;
    this.proxy = parts.proxy;
    this.gate = parts.gate;
  }

  static async open(folder: string, workers: number): Promise<Ground> {
    const kafka = await startKafka({ dataDir: join(folder, 'kafka') });
    const engine = await startEngine({ dataDir: join(folder, 'clickhouse') });
    const scene = await openScene({ brokers: kafka.brokers, clickhouseUrl: engine.url });
    const proxy = await openBrokerProxy(kafka.brokers[0] ?? '');
    const gate = await openGate(engine.url);
    const ground = new Ground(folder, { kafka, engine, scene, proxy, gate });
    for (let n = 0; n < workers; n++) ground.#start(n);
    ground.#supervising = ground.#supervise();
    return ground;
  }

  async restartKafka(): Promise<void> {
    const { port } = this.kafka;
    this.kafka = await startKafka({ dataDir: join(this.#folder, 'kafka'), port });
  }

  async restartEngine(): Promise<void> {
    const { port } = this.engine;
    this.engine = await startEngine({ dataDir: join(this.#folder, 'clickhouse'), port });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#supervising;
    await this.scene.close();
    await Promise.all([this.proxy.close(), this.gate.close()]);
    await this.engine.stop();
    await this.kafka.stop();
  }

  #start(at: number): void {
    // Every other one has nothing between it and the broker.
    const place = { clickhouseUrl: this.gate.url, brokers: [this.proxy.address] };
    const worker = this.scene.worker(WORKER_ENV, this.workersStarted % 2 === 0 ? place : {});
    this.workersStarted++;
    this.workers[at] = worker;
    void worker.exited.then(({ code }) => {
      if (code === null || code === 0) return;
      const said = /"code":"(\w+)"/.exec(worker.log())?.[1] ?? worker.log().trim().slice(-200);
      this.ownStops.set(said, (this.ownStops.get(said) ?? 0) + 1);
    });
  }

  /** What a service manager does: whoever has ended is started again. */
  async #supervise(): Promise<void> {
    const ended = new WeakSet<WorkerProcess>();
    const watched = new WeakSet<WorkerProcess>();
    while (!this.#ending.signal.aborted) {
      this.workers.forEach((worker, at) => {
        if (!watched.has(worker)) {
          watched.add(worker);
          void worker.exited.then(() => ended.add(worker));
        }
        if (ended.has(worker)) this.#start(at);
        else this.#measure(worker);
      });
      await delay(SUPERVISE_MS);
    }
  }

  #measure(worker: WorkerProcess): void {
    try {
      this.peakRssMb = Math.max(this.peakRssMb, peakRssMb(worker.pid) || 0);
    } catch {
      // It has ended just now.
    }
  }
}
