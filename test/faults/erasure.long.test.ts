/** R-RET-04: an erasure whose command is killed, wherever, is told to operators and completed by the same command. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { CLI, runCli } from '../cli/run-cli.ts';
import { daysAgo } from '../clickhouse/support.ts';
import { type EngineProxy, openEngineProxy, type Treatment } from '../support/engine-proxy.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { spawnWorker } from '../support/worker-process.ts';

vi.setConfig({ testTimeout: 600_000 });

const IDENTIFIERS = ['u_7', 'jane@example.com', 'Jane Doe'];
const PERSON = '(?i)jane';

let its: Scene;
let proxy: EngineProxy;
afterEach(async () => {
  await proxy.close();
  await its.close();
});

const environment = (clickhouseUrl: string) => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: its.topic,
  LEDGERLINE_CLICKHOUSE_URL: clickhouseUrl,
  LEDGERLINE_CLICKHOUSE_DATABASE: its.place.database,
});

/** Jane in the ledger, in two parts, beside it, in a released hold's copy, in quarantine and in all that operators wrote. */
async function fill(): Promise<void> {
  const { clickhouse } = its;
  const tables = ['audit_events', 'events_2', 'audit_held', 'audit_quarantine'];
  for (const table of [...tables, 'audit_holds', 'audit_quarantine_resolutions']) {
    await clickhouse.command(`TRUNCATE TABLE IF EXISTS ${table}`);
  }
  await clickhouse.command('CREATE TABLE IF NOT EXISTS events_2 AS audit_events');
  for (const days of [1, 40]) {
    await clickhouse.command(
      `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, actor_name, message, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
       SELECT 1, generateUUIDv4(), 'app.created', 'app', parseDateTime64BestEffort({at:String}, 6), 'user', if(number % 2 = 0, 'u_7', 'u_8'), if(number % 2 = 0, 'Jane Doe', 'Bob'), if(number % 3 = 0, 'told jane@example.com', 'x'), 's', 't', generateUUIDv4(), 7, number + {days:UInt32} * 1000, now64(3) FROM numbers(600)`,
      { params: { at: daysAgo(days), days } },
    );
  }
  await clickhouse.command('INSERT INTO events_2 SELECT * FROM audit_events');
  await clickhouse.command('INSERT INTO audit_held SELECT * FROM audit_events LIMIT 100');
  await clickhouse.command(
    `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
     VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'not_json', 'x', 'mail jane@example.com', '', {})`,
  );
  await clickhouse.command(
    `INSERT INTO audit_holds (hold_id, action, name) VALUES (toUUID('019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4'), 'released', 'Doe, Jane Doe')`,
  );
  await clickhouse.command(
    `INSERT INTO audit_quarantine_resolutions (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, state, run_id, resolved_by, reason)
     VALUES ('t', generateUUIDv4(), 0, 1, 'discarded', generateUUIDv4(), 'ops-1', 'Jane Doe asked')`,
  );
}

/** Every table with a row that names her, in any column. */
async function foundIn(): Promise<string[]> {
  const tables = await its.clickhouse.query<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const [hit] = await its.clickhouse.query<{ rows: string }>(
      `SELECT count() AS rows FROM \`${name}\` WHERE match(toString(tuple(*)), {person:String})`,
      { params: { person: PERSON } },
    );
    if (hit?.rows !== '0') found.push(name);
  }
  return found;
}

/** Kills the command when it sends the statement, with what becomes of that. */
async function killedAt(statement: RegExp, nth: number, treatment: Treatment): Promise<string> {
  let seen = 0;
  let reached = (): void => undefined;
  const there = new Promise<void>((resolve) => (reached = resolve));
  const late: (() => void)[] = [];
  proxy.treat((request) => {
    if (!statement.test(request.statement)) return 'pass';
    seen += 1;
    if (seen !== nth) return 'pass';
    reached();
    return treatment === 'pass' ? { hold: (release) => void late.push(release) } : treatment;
  });
  const erasing = spawnWorker({ ...its.place, env: environment(proxy.url) }, [
    CLI,
    'erase',
    ...IDENTIFIERS,
    '--yes',
    '--reason',
    'request 12',
    '--actor',
    'ops-1',
  ]);
  await Promise.race([there, erasing.exited]);
  // What the engine does is done before the kill, so that the test knows how far it came.
  if (treatment === 'keep-reply') {
    await until(
      'the engine has done it',
      () =>
        its.clickhouse.query<{ n: string }>(
          `SELECT (SELECT count() FROM system.processes WHERE query LIKE 'ALTER TABLE%' OR query LIKE 'INSERT INTO audit_erasures%') AS n`,
        ),
      ([row]) => row?.n === '0',
      60_000,
    );
  }
  erasing.kill('SIGKILL');
  expect({ ...(await erasing.exited), log: erasing.log() }).toMatchObject({ signal: 'SIGKILL' });
  for (const release of late) release();
  proxy.treat(() => 'pass');
  return erasing.log();
}

/** As when the half minute is over. */
const leaseRunsOut = (): Promise<void> =>
  its.clickhouse.command(
    'INSERT INTO audit_turns (turn, holder, work, until, ended) SELECT turn, holder, work, until, true FROM audit_turns ORDER BY turn DESC LIMIT 1',
  );

const json = async (args: readonly string[]): Promise<Record<string, unknown>> => {
  const ran = await runCli([...args, '--json'], { env: environment(its.place.clickhouseUrl) });
  const said = ran.stderr.split('\n').filter((line) => line !== '' && !/the erasure /.test(line));
  expect({ args, said }).toEqual({ args, said: [] });
  return JSON.parse(ran.stdout) as Record<string, unknown>;
};

const BEGINNING = /^\s*INSERT INTO audit_erasures/;
const CHANGE = /^\s*ALTER TABLE/;
/** Of the erasure above: five tables with events or messages, three records, and the end. */
const CHANGES = 8;

it('at any of its steps: the statement lost, on its way, or done', async () => {
  its = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 1,
  });
  proxy = await openEngineProxy(its.place.clickhouseUrl);
  const hows: readonly Treatment[] = ['swallow', 'pass', 'keep-reply'];
  const moments = [
    { statement: BEGINNING, nth: 1, how: 'swallow' as Treatment },
    { statement: BEGINNING, nth: 1, how: 'keep-reply' as Treatment },
    ...Array.from({ length: CHANGES }, (_, at) => ({
      statement: CHANGE,
      nth: at + 1,
      how: hows[at % hows.length] ?? 'pass',
    })),
  ];
  for (const { statement, nth, how } of moments) {
    await fill();
    await killedAt(statement, nth, how);
    const recorded = statement === CHANGE || how !== 'swallow';
    const ended = statement === CHANGE && nth === CHANGES && how !== 'swallow';
    const moment = `${statement.source} ${nth} ${JSON.stringify(how)}`;

    await leaseRunsOut();
    await until(
      'the engine has ended what was on its way',
      () =>
        its.clickhouse.query<{ n: string }>(
          'SELECT count() AS n FROM system.mutations WHERE database = currentDatabase() AND NOT is_done',
        ),
      ([row]) => row?.n === '0',
      60_000,
    );
    const left = await unfinished();
    const open = recorded && !ended;
    const begun = { actor: 'ops-1', reason: 'request 12', identifiers: 3, atWork: false };
    expect({ moment, left }).toMatchObject({ moment, left: open ? [begun] : [] });
    expect({ moment, told: await toldOf(left) }).toEqual({
      moment,
      told: left.map(({ id }) => ({ status: id, doctor: 'warning', erase: id })),
    });

    const again = await json(['erase', ...IDENTIFIERS, '--yes']);
    expect({ moment, again }).toMatchObject({
      moment,
      again: ended
        ? { erased: false, asParty: 0, completes: [] }
        : { erased: true, remaining: 0, ...(open && { id: left[0]?.id }) },
    });
    const after = { found: await foundIn(), left: await unfinished() };
    expect({ moment, ...after }).toEqual({ moment, found: [], left: [] });
  }
});

async function unfinished(): Promise<readonly { readonly id: string }[]> {
  return (await json(['retention', 'status']))['erasures'] as { id: string }[];
}

/** What operators see of each, where they look. */
async function toldOf(left: readonly { readonly id: string }[]) {
  const env = environment(its.place.clickhouseUrl);
  const found = [];
  for (let nth = 0; nth < left.length; nth += 1) {
    const status = await runCli(['retention', 'status'], { env });
    const other = await runCli(['erase', 'u_99', '--dry-run'], { env });
    const findings = (await json(['doctor']))['findings'] as { check: string; status: string }[];
    found.push({
      status: UNFINISHED.exec(status.stdout)?.[1],
      doctor: findings.find(({ check }) => check === 'tables.erasure')?.status,
      erase: UNFINISHED.exec(other.stderr)?.[1],
    });
  }
  return found;
}

const UNFINISHED =
  /the erasure ([0-9a-f-]{36}), begun .* by ops-1 \(request 12\), has not ended: .*ledgerline erase/;
