/**
 * R-DLV-02: poison by its place, two workers on four partitions. What cannot be a row is quarantined, byte
 * for byte, its neighbours are stored, and the intent of a worker that is killed in the middle is rebuilt
 * by one that cuts and encodes otherwise.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { openEngineProxy } from '../support/engine-proxy.ts';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { type Message, messages, wireRow } from '../support/wire-row.ts';
import { spawnWorker } from '../support/worker-process.ts';

const stage = useStage();
const ROWS = 60;

/** Refused by the framing, by the engine's parser, by a constraint: three ways to be found out. */
const POISON = ['{"a":1}{"b":2}', wireRow({ outcome: 'maybe' }), wireRow({ weight: 0.5 })];
const poison = (partition: number, index: number): Message => ({
  partition,
  value: POISON[index % POISON.length] ?? '',
});

const places: readonly { name: string; isBad: (row: number) => boolean }[] = [
  { name: 'at the first row', isBad: (row) => row === 0 },
  { name: 'in the middle', isBad: (row) => row === ROWS / 2 },
  { name: 'at the last row', isBad: (row) => row === ROWS - 1 },
  { name: 'many at once', isBad: (row) => row >= 10 && row < 40 },
  { name: 'alternating', isBad: (row) => row % 2 === 0 },
  { name: 'the whole batch', isBad: () => true },
];

/** One batch for each partition: `ROWS` messages, bad where the place says so. */
function mixed(isBad: (row: number) => boolean): Message[] {
  return [0, 1, 2, 3].flatMap((partition) =>
    Array.from({ length: ROWS }, (_, row) =>
      isBad(row) ? poison(partition, row + partition) : { partition, value: wireRow() },
    ),
  );
}

async function twoWorkers(its: Scene, env: Readonly<Record<string, string>>): Promise<void> {
  const workers = [its.worker(env), its.worker(env)];
  for (const worker of workers) await worker.logged('joined the group');
}

describe('poison', () => {
  it('at the first, middle and last row, many at once, alternating, and whole batches: all in one topic', async () => {
    const its = await stage.scene();
    // Whole batches, each of one place.
    for (const { isBad } of places) await its.produce(mixed(isBad));
    await twoWorkers(its, { LEDGERLINE_BATCH_ROWS: String(ROWS) });
    const bad = places.map(({ isBad }) => mixedBad(isBad)).reduce((sum, one) => sum + one, 0);
    const produced = places.length * 4 * ROWS;
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced,
      quarantined: bad,
      stored: produced - bad,
      ...FAULTLESS,
    });
  });
});

const mixedBad = (isBad: (row: number) => boolean): number =>
  4 * Array.from({ length: ROWS }, (_, row) => row).filter(isBad).length;

describe('a worker is killed when it has declared which rows are bad, and stored the others', () => {
  const heirs: readonly { name: string; env: Record<string, string>; script?: string }[] = [
    { name: 'cuts smaller batches', env: { LEDGERLINE_BATCH_ROWS: '7' } },
    { name: 'cuts larger batches', env: { LEDGERLINE_BATCH_ROWS: '5000' } },
    { name: 'encodes rows otherwise', env: {}, script: 'another-encoder.js' },
  ];

  it.each(heirs)('and its successor $name: the same range is rebuilt', async ({ env, script }) => {
    const its = await stage.scene();
    const proxy = await openEngineProxy(its.place.clickhouseUrl);
    stage.atEnd(() => proxy.close());
    const kept = proxy.treat(({ statement }) =>
      /INSERT INTO `?audit_events/.test(statement) ? 'keep-reply' : 'pass',
    );
    const victim = its.worker({ LEDGERLINE_BATCH_ROWS: '40' }, { clickhouseUrl: proxy.url });
    await victim.logged('joined the group');
    await its.produce(mixed((row) => row % 3 === 0));
    await until(
      'some rows are stored, and nobody knows',
      () => its.judge(),
      ({ stored }) => stored > 0 && kept() > 0,
    );
    victim.kill('SIGKILL');
    await victim.exited;
    await its.produce(messages(200));
    const command = script && [join(PROJECT_ROOT, 'dist', 'test', 'support', script)];
    for (let heir = 0; heir < 2; heir++) {
      if (command) {
        const other = spawnWorker({ ...its.place, env }, command);
        stage.atEnd(async () => {
          other.kill('SIGKILL');
          await other.exited;
        });
      } else its.worker(env);
    }
    const bad = mixedBad((row) => row % 3 === 0);
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced: 4 * ROWS + 200,
      quarantined: bad,
      stored: 4 * ROWS - bad + 200,
      ...FAULTLESS,
    });
  });
});

describe('a row that only the engine blames', () => {
  it('is stored once, though its trial lands when all of the batch is stored', async () => {
    const its = await stage.scene({ partitions: 1 });
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    await its.clickhouse.command(
      "ALTER TABLE audit_events ADD CONSTRAINT usual CHECK actor_id != 'odd'",
    );
    const refused = gate.hold('after-insert');
    const trial = gate.hold('before-insert');
    await its.produce([
      ...messages(5, 1),
      { value: wireRow({ actor_id: 'odd' }), partition: 0 },
      ...messages(5, 1),
    ]);
    its.worker(
      { LEDGERLINE_INSERT_TIMEOUT_MS: '1000', LEDGERLINE_LEASE_MS: '30000' },
      { clickhouseUrl: gate.url },
    );
    (await refused).release();
    const held = await trial;
    await its.clickhouse.command('ALTER TABLE audit_events DROP CONSTRAINT usual');
    await its.judgeWhenCommitted();
    held.release();
    expect(await held.answered).toBe(200);
    expect(await its.judge()).toMatchObject({ stored: 11, quarantined: 0, ...FAULTLESS });
  });
});
