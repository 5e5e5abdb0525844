/**
 * R-DLV-01 without the engine's memory of tokens: its log is gone, or remembers one insert alone. Looking
 * first and the lease still double nothing. The last test shows the one case in which they cannot, as
 * docs/delivery.md says: an insert that the engine itself holds up, past its lease, until its token is
 * forgotten.
 */
import { describe, expect, it } from 'vitest';
import { type EngineScene, engineScene } from '../support/engine-stage.ts';
import { FAULTLESS } from '../support/oracle.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { messages } from '../support/wire-row.ts';

const stage = useStage();

/** How tokens are lost under way; the workers' own check at their start is passed before. */
const losses: readonly { name: string; lose: (on: EngineScene) => Promise<void> }[] = [
  {
    name: 'the window remembers one insert',
    lose: (on) =>
      on.command('ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = 1'),
  },
  {
    name: 'the log is switched off and forgotten',
    lose: (on) =>
      on.command('ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = 0'),
  },
];

const restore = (on: EngineScene): Promise<void> =>
  on.command('ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = 10000');

describe.each(losses)('without tokens: $name', ({ lose }) => {
  it('a reply that is lost again and again doubles nothing: every unclear end is looked up', async () => {
    const on = await engineScene(stage);
    await on.workers(2);
    await lose(on);
    const lost = on.proxy.treat(({ isInsert, number }) =>
      isInsert && number % 2 === 1 ? 'lose-reply' : 'pass',
    );
    const load = on.its.load(400);
    await until(
      'replies were lost',
      () => Promise.resolve(lost()),
      (count) => count >= 8,
    );
    await load.stop();
    on.proxy.treat(() => 'pass');
    const judgement = await on.its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ stored: judgement.produced, ...FAULTLESS });
  });

  it('a worker killed between insert and commit doubles nothing: its successor looks first', async () => {
    const on = await engineScene(stage);
    const victims = await on.workers(2);
    await lose(on);
    let stored: () => void = () => undefined;
    const inserted = new Promise<void>((resolve) => (stored = resolve));
    on.proxy.treat(({ isInsert }) => {
      if (!isInsert) return 'pass';
      stored();
      return 'keep-reply';
    });
    const load = on.its.load(400);
    await inserted;
    await until(
      'it is in the table',
      () => on.its.judge(),
      (judgement) => judgement.stored > 0,
    );
    for (const victim of victims) {
      victim.kill('SIGKILL');
      await victim.exited;
    }
    on.proxy.treat(() => 'pass');
    // A worker would refuse to start on such a table.
    await restore(on);
    await on.workers(2);
    await lose(on);
    await load.stop();
    const judgement = await on.its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ stored: judgement.produced, ...FAULTLESS });
  });

  it('a zombie whose insert arrives late doubles nothing: its lease is over', async () => {
    const on = await engineScene(stage, { partitions: 4 });
    const [zombie] = await on.workers(1);
    await lose(on);
    const held: (() => void)[] = [];
    // Its inserts are on the way for longer than its session and its lease.
    on.proxy.treat(({ isInsert }) =>
      isInsert ? { hold: (release) => held.push(release) } : 'pass',
    );
    await on.its.produce(messages(400));
    await until(
      'an insert is on its way',
      () => Promise.resolve(held.length),
      (count) => count > 0,
    );
    zombie?.kill('SIGSTOP');
    on.proxy.treat(() => 'pass');
    await restore(on);
    await on.workers(2);
    await lose(on);
    await on.its.judgeWhenCommitted();
    for (const release of held) release();
    zombie?.kill('SIGCONT');
    await on.its.produce(messages(400));
    const judgement = await on.its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ produced: 800, stored: 800, ...FAULTLESS });
  });
});

describe('an insert that the engine holds up after it has checked the lease', () => {
  /** Each holds a block up for the most that the engine lets a function sleep: 3 seconds. */
  const slow = (name: string): string =>
    `ALTER TABLE audit_events ADD CONSTRAINT ${name} CHECK sleep(3) = 0`;

  /** What is doubled after the first round that doubles anything, or after the last. */
  async function play(window: number, rounds = 1): Promise<readonly string[]> {
    const on = await engineScene(stage, { partitions: 4 });
    await on.workers(2);
    await on.command(
      `ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = ${window}`,
    );
    await on.command(slow('slow_1'));
    await on.command(slow('slow_2'));
    for (let round = 1; ; round++) {
      // 6 seconds are more than the insert timeout: the worker looks, finds nothing, and inserts again.
      await on.its.produce(messages(400));
      const { missing, doubled } = await on.its.judgeWhenCommitted(120_000);
      expect(missing).toEqual([]);
      if (doubled.length > 0 || round === rounds) return doubled;
    }
  }

  it('is recognised by its token when it is repeated meanwhile', async () => {
    expect(await play(10_000)).toEqual([]);
  });

  it('is stored twice when its token is forgotten meanwhile: the window must outlast the longest insert', async () => {
    // A token is forgotten when another insert ends before its repetition does, which is chance.
    expect((await play(1, 5)).length).toBeGreaterThan(0);
  });
});
