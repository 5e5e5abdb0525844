/**
 * R-DLV-02: an insert that is more than is taken at once is content, not an outage, and not one row's
 * fault: it is cut until it is taken. The same code, 252, also says "too many parts", which is waited for
 * (engine-outage.long.test.ts).
 */
import { describe, expect, it } from 'vitest';
import { migrate } from '../../clickhouse/index.ts';
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
    // Kept for a hundred years, so that one import may bring fifty of them at once.
    const days = 36_500;
    await migrate(its.clickhouse, {
      retention: { standard: days, protected: days, archive: days },
    });
    const classes = ['standard', 'protected', 'archive'];
    const ages = Array.from({ length: 1_200 }, (_, index) => index);
    await its.produce(
      ages.map((index) => ({
        partition: 0,
        value: wireRow({
          occurred_at: new Date(Date.now() - (index >> 1) * MONTH_MS)
            .toISOString()
            .replace('Z', '000Z'),
          retention_class: classes[index % 3],
        }),
      })),
    );
    await its.produce(messages(100));
    await twoWorkers(its);
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ produced: 1_300, stored: 1_300, ...FAULTLESS });
  });

  it('because a proxy takes no bodies of that size: it is cut, and all is stored', async () => {
    const its = await stage.scene();
    const proxy = await openEngineProxy(its.place.clickhouseUrl);
    stage.atEnd(() => proxy.close());
    const refused = proxy.treat(({ isInsert, bytes }) =>
      isInsert && bytes > 100_000 ? { status: 413 } : 'pass',
    );
    await its.produce(messages(2_000));
    await twoWorkers(its, proxy.url);
    const judgement = await its.judgeWhenCommitted();
    expect(refused()).toBeGreaterThan(0);
    expect(judgement).toMatchObject({ produced: 2_000, stored: 2_000, ...FAULTLESS });
  });
});
