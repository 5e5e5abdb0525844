/** R-RET-03: a hold whose command is killed in the middle is neither lost nor in the way for long. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { listHolds } from '../../clickhouse/index.ts';
import { CLI, runCli } from '../cli/run-cli.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { spawnWorker } from '../support/worker-process.ts';

vi.setConfig({ testTimeout: 180_000 });

const ROWS = 400_000;
const scenes: Scene[] = [];
afterEach(async () => {
  for (const one of scenes.splice(0)) await one.close();
});

it('the next command waits for the lease that the kill left, ends what was begun, and lets expiry go on', async () => {
  const its = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 1,
  });
  scenes.push(its);
  const { clickhouse, place, topic } = its;
  const rows = (actor: string, days: number, count: number) =>
    clickhouse.command(
      `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
       SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6) - toIntervalDay({days:UInt32}), 'user', {actor:String}, 's', 't', generateUUIDv4(), 7, number, now64(3) FROM numbers({count:UInt32})`,
      { params: { actor, days, count } },
    );
  await rows('held', 60, ROWS);
  await rows('free', 60, 10);
  const environment = {
    LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
    LEDGERLINE_KAFKA_TOPIC: topic,
    LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
    LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
  };
  const text = ['--name', 'Case 17', '--owner', 'legal', '--reason', 'litigation'];
  const placing = spawnWorker({ ...place, env: environment }, [
    CLI,
    'hold',
    'place',
    'actor:held',
    ...text,
  ]);
  await until(
    'the hold is on the list',
    () => listHolds(clickhouse),
    (holds) => holds.length === 1,
    60_000,
  );
  placing.kill('SIGKILL');
  expect((await placing.exited).signal).toBe('SIGKILL');
  const copied = async (): Promise<number> => {
    const [row] = await clickhouse.query<{ events: string }>(
      'SELECT uniqExact(kafka_topic_id, kafka_partition, kafka_offset) AS events FROM audit_held',
    );
    return Number(row?.events);
  };
  expect(await copied()).toBeLessThan(ROWS);

  const refused = await runCli(['erase', 'held', '--yes'], { env: environment });
  expect(refused.stderr).toContain('waiting for a hold that is being placed to end');
  expect(refused.stderr).toContain('are under a hold');
  expect(await runCli(['hold', 'sync'], { env: environment })).toMatchObject({ code: 0 });
  expect(await copied()).toBe(ROWS);
  expect(await listHolds(clickhouse)).toMatchObject([{ events: ROWS }]);
  // Expiry is not stopped any more: what nobody holds goes.
  await runCli(['retention', 'set', 'standard=30', '--yes'], { env: environment });
  await clickhouse.command('OPTIMIZE TABLE audit_events FINAL');
  await until(
    'what has expired is gone',
    () => clickhouse.query<{ n: string }>('SELECT count() AS n FROM audit_events'),
    ([row]) => row?.n === '0',
  );
  expect(await copied()).toBe(ROWS);
});
