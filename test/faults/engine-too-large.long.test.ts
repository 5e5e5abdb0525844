/**
 * R-DLV-02: an insert that is more than is taken at once is content, not an outage, and not one row's
 * fault: it is cut until it is taken. The same code, 252, also says "too many parts", which is waited for
 * (engine-outage.long.test.ts).
 */
import { describe, expect, it } from 'vitest';
import { openEngineProxy } from '../support/engine-proxy.ts';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { messages, wireRow } from '../support/wire-row.ts';

const stage = useStage();
const MONTH_MS = 30.44 * 86_400_000;

async function twoWorkers(its: Scene, url = its.place.clickhouseUrl): Promise<void> {
  const workers = [1, 2].map(() => its.worker({}, { clickhouseUrl: url }));
  for (const worker of workers) await worker.logged('joined the group');
}

describe('a batch that is too large as a whole', () => {
  it('because it spans more table partitions than an insert may touch: it is cut, and all is stored', async () => {
    const its = await stage.scene();
    const proxy = await openEngineProxy(its.place.clickhouseUrl);
    stage.atEnd(() => proxy.close());
    // The engine's own answer; a worker's own limit of 1,000 would need eighty years of events.
    const settings = { max_partitions_per_insert_block: '10' };
    proxy.treat(({ isInsert }) => (isInsert ? { settings } : 'pass'));
    await its.produce(
      Array.from({ length: 80 }, (_, month) => ({
        partition: month % 2,
        value: wireRow({
          occurred_at: new Date(Date.now() - month * MONTH_MS).toISOString().replace('Z', '000Z'),
          retention_class: 'archive',
        }),
      })),
    );
    await its.produce(messages(100));
    await twoWorkers(its, proxy.url);
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ produced: 180, stored: 180, ...FAULTLESS });
  });

  it('because a proxy takes no bodies of that size: it is cut, and all is stored', async () => {
    const its = await stage.scene();
    const proxy = await openEngineProxy(its.place.clickhouseUrl);
    stage.atEnd(() => proxy.close());
    const refused = proxy.treat(({ isInsert, bytes }) =>
      isInsert && bytes > 40_000 ? { status: 413 } : 'pass',
    );
    await its.produce(messages(800));
    await twoWorkers(its, proxy.url);
    const judgement = await its.judgeWhenCommitted();
    expect(refused()).toBeGreaterThan(0);
    expect(judgement).toMatchObject({ produced: 800, stored: 800, ...FAULTLESS });
  });
});
