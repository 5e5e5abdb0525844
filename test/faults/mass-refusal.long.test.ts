/**
 * R-DLV-02: a table that refuses what our rules pass stops its workers, however thin the traffic and however
 * often they start again; a row that it refuses now and then, among others that it takes, does not.
 */
import { describe, expect, it } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { messages, wireRow } from '../support/wire-row.ts';

const stage = useStage();

/** Of what only the engine refuses, quarantine gets so much at most before a worker stops. */
const MOST = 20;
/** A batch of few rows, as thin traffic makes them. */
const THIN = { LEDGERLINE_BATCH_ROWS: '3' };

const quarantined = async (its: Scene): Promise<number> => (await its.judge()).quarantined;

describe('a rule of the table that this version does not know', () => {
  it('stops the worker at each start, and costs no message its place once it is gone', async () => {
    const its = await stage.scene({ partitions: 1 });
    await its.clickhouse.command('ALTER TABLE audit_events ADD CONSTRAINT nothing CHECK 0');
    await its.produce(messages(50, 1));
    for (let start = 0; start < 4; start++) {
      const worker = its.worker(THIN);
      expect(await worker.exited).toMatchObject({ code: 1 });
      expect(worker.log()).toContain('MASS_REFUSAL');
      expect(await quarantined(its)).toBeLessThanOrEqual(MOST);
    }
    await its.clickhouse.command('ALTER TABLE audit_events DROP CONSTRAINT nothing');
    its.worker(THIN);
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ produced: 50, ...FAULTLESS });
    expect(judgement.quarantined).toBeLessThanOrEqual(MOST);
  });

  it('stops it also in the middle of a large batch, and does not give each start its own count', async () => {
    const its = await stage.scene({ partitions: 1 });
    await its.clickhouse.command('ALTER TABLE audit_events ADD CONSTRAINT nothing CHECK 0');
    await its.produce(messages(200, 1));
    for (let start = 0; start < 3; start++) {
      expect(await its.worker().exited).toMatchObject({ code: 1 });
    }
    await its.clickhouse.command('ALTER TABLE audit_events DROP CONSTRAINT nothing');
    its.worker();
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ produced: 200, ...FAULTLESS });
    expect(judgement.quarantined).toBeLessThanOrEqual(MOST);
  });

  it('does not stop it while other rows are taken', async () => {
    const its = await stage.scene({ partitions: 1 });
    await its.clickhouse.command(
      "ALTER TABLE audit_events ADD CONSTRAINT usual CHECK actor_id != 'odd'",
    );
    const odd = { value: wireRow({ actor_id: 'odd' }), partition: 0 };
    await its.produce(Array.from({ length: 3 * MOST }, () => [odd, ...messages(1, 1)]).flat());
    its.worker(THIN);
    expect(await its.judgeWhenCommitted()).toMatchObject({
      stored: 3 * MOST,
      quarantined: 3 * MOST,
      ...FAULTLESS,
    });
  });
});
