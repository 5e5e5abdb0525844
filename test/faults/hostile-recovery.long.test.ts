/**
 * R-DLV-01, R-DLV-05, R-DLV-06: whoever reads batches a second time that cannot be read makes the same rows of them:
 * a successor that rebuilds an intent, `verify --deep`, `rebuild`.
 */
import { describe, expect, inject, it, vi } from 'vitest';
import { verify } from '../../consumers/index.ts';
import { runCli } from '../cli/run-cli.ts';
import { gzipBomb, zstdBomb } from '../support/bombs.ts';
import { openRawProducer } from '../support/raw-produce.ts';
import { recordBatch, recordBytes } from '../support/record-batch.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { wireRow as plainRow } from '../support/wire-row.ts';

vi.setConfig({ testTimeout: 240_000 });

const stage = useStage();

/** Of the records of which the broker knows nothing but their number. */
const UNREADABLE = 50;
/** 20 and 20 between, 20 behind, 3 batches of one message each, and those. */
const PRODUCED = 80 + 3 + UNREADABLE;
const SOUND = { produced: PRODUCED, stored: 80, quarantined: PRODUCED - 80, missing: [] };

/** With an address as the wire has it: what the slow path would refuse is not what is tested here. */
const good = (count: number) =>
  Array.from({ length: count }, () => ({
    value: plainRow({ source_ip: '::ffff:10.1.2.3' }),
    partition: 0,
  }));

async function produceHostile(its: Scene): Promise<void> {
  const raw = await openRawProducer(its.place.brokers, its.topic);
  stage.atEnd(() => raw.close());
  const backwards = Array.from({ length: UNREADABLE }, (_, index) =>
    recordBytes({ offsetDelta: UNREADABLE - 1 - index, value: Buffer.from(plainRow()) }),
  );
  for (const batch of [
    recordBatch(Buffer.concat(backwards), { count: UNREADABLE }),
    await gzipBomb(64),
    zstdBomb(64),
    zstdBomb(1_200),
  ]) {
    await its.produce(good(20));
    await raw.produce(0, batch);
  }
}

const environment = ({ place, topic }: Scene): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_KAFKA_GROUP: topic,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
  LEDGERLINE_LOG_LEVEL: 'silent',
});

describe('a topic with batches that cannot be read', () => {
  it.each([
    // 20 that can be read and 20 of those that cannot.
    { ends: 'in the middle of one', rows: '40', heirRows: '7' },
    { ends: 'behind all of them', rows: '5000', heirRows: '5000' },
  ])(
    'a worker is killed when its intent ends $ends: its successor rebuilds it',
    async ({ rows, heirRows }) => {
      const its = await stage.scene({ partitions: 1 });
      const gate = await stage.gateTo(its.place.clickhouseUrl);
      const held = gate.hold('after-insert');
      await produceHostile(its);
      const victim = its.worker({ LEDGERLINE_BATCH_ROWS: rows }, { clickhouseUrl: gate.url });
      await held;
      victim.kill('SIGKILL');
      await victim.exited;
      const heir = its.worker({ LEDGERLINE_BATCH_ROWS: heirRows });
      expect(await its.judgeWhenCommitted(60_000)).toMatchObject({ ...SOUND, doubled: [] });
      expect(heir.log()).not.toContain('INTENT_MISMATCH');
    },
  );

  it('is sound for verify by contents, and for a rebuild', async () => {
    const its = await stage.scene({ partitions: 1 });
    await produceHostile(its);
    its.worker();
    await its.judgeWhenCommitted(60_000);
    const { brokers } = its.place;
    const report = await verify({
      kafka: { brokers, topic: its.topic, group: its.topic },
      clickhouse: its.clickhouse,
      deep: true,
    });
    expect(report).toMatchObject({
      sound: true,
      totals: { quarantined: PRODUCED - 80, altered: 0 },
    });
    const rebuilt = await runCli(['rebuild', '--into', 'again', '--json'], {
      env: environment(its),
    });
    expect([rebuilt.code, rebuilt.stderr]).toEqual([0, '']);
    const [row] = await its.clickhouse.query<{ rows: string }>(
      `SELECT count() AS rows FROM again WHERE kafka_offset < ${PRODUCED}`,
    );
    expect(row?.rows).toBe('80');
  });
});
