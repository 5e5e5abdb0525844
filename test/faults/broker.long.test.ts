/** R-DLV-01 with the broker SIGKILLed, stopped and cut off, under load, with two workers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type Kafka, startKafka } from '../../local/kafka.ts';
import { API } from '../support/kafka-frames.ts';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 300_000 });

/** A broker of the test's own, and how it comes back on the same folder and port. */
async function ownBroker(): Promise<{ kafka: () => Kafka; restart: () => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-broker-'));
  stage.atEnd(() => rmSync(dataDir, { recursive: true, force: true }));
  let kafka = await startKafka({ dataDir });
  stage.atEnd(() => kafka.stop());
  return {
    kafka: () => kafka,
    restart: async () => {
      kafka = await startKafka({ dataDir, port: kafka.port });
    },
  };
}

async function storesMore(its: Scene): Promise<void> {
  const { stored } = await until(
    'it can be judged',
    () => its.judge(),
    () => true,
  );
  await until(
    'more is stored',
    () => its.judge(),
    (judgement) => judgement.stored > stored,
    120_000,
  );
}

describe('the broker', () => {
  it('is SIGKILLed and started again, again and again', async () => {
    const broker = await ownBroker();
    const its = await stage.scene({ brokers: broker.kafka().brokers });
    await its.worker().logged('joined the group');
    await its.worker().logged('joined the group');
    const load = its.load(300);
    for (const awayMs of [0, 1_000, 9_000]) {
      await storesMore(its);
      broker.kafka().kill('SIGKILL');
      await broker.kafka().exited;
      await delay(awayMs);
      await broker.restart();
    }
    await storesMore(its);
    await load.stop();
    const judgement = await its.judgeWhenCommitted(120_000);
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  });

  it('is stopped for longer than sessions last, and continued', async () => {
    const broker = await ownBroker();
    const its = await stage.scene({ brokers: broker.kafka().brokers });
    await its.worker().logged('joined the group');
    await its.worker().logged('joined the group');
    const load = its.load(300);
    for (const stoppedMs of [2_000, 15_000]) {
      await storesMore(its);
      broker.kafka().kill('SIGSTOP');
      await delay(stoppedMs);
      broker.kafka().kill('SIGCONT');
    }
    await storesMore(its);
    await load.stop();
    const judgement = await its.judgeWhenCommitted(120_000);
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  });

  /**
   * Half a session for each commit and each reading of offsets, and heartbeats wait behind them, because a broker
   * answers a connection's requests in their order. The session lasts all the same: a commit counts as a sign of
   * life, one request commits for all partitions, and heartbeats go out also while partitions are taken over.
   * A commit that takes longer than the session ends it, whatever a client does (docs/operations.md).
   */
  it('has a slow offsets topic: every commit, and every look at one, takes half a session', async () => {
    const its = await stage.scene();
    const proxy = await stage.proxy();
    const commits = proxy.always(API.offsetCommit, { delayMs: 3_000 });
    const looks = proxy.always(API.offsetFetch, { delayMs: 3_000 });
    const place = { brokers: [proxy.address] };
    const first = its.worker({}, place);
    await first.logged('joined the group', 60_000);
    const second = its.worker({}, place);
    await second.logged('joined the group', 60_000);
    const load = its.load(300);
    for (let more = 0; more < 3; more++) await storesMore(its);
    // Joined, joined again when the other came, and stayed.
    expect([first, second].map((worker) => joins(worker.log()))).toEqual([2, 1]);
    expect(looks()).toBe(3);
    first.kill('SIGKILL');
    await until(
      'the other has taken over',
      () => Promise.resolve(joins(second.log())),
      (times) => times === 2,
    );
    for (let more = 0; more < 3; more++) await storesMore(its);
    await load.stop();
    const judgement = await its.judgeWhenCommitted(120_000);
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
    expect(joins(second.log())).toBe(2);
    expect(commits()).toBeGreaterThan(0);
  });
});

const joins = (log: string): number => log.split('joined the group').length - 1;
