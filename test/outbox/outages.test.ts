/** R-REC-11: PostgreSQL and Kafka go away and come back; relays stop, hang and take over. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kafka, startKafka } from '../../local/kafka.ts';
import { runCli } from '../cli/run-cli.ts';
import { type Postgres, postgresPrograms, startPostgres } from '../support/postgres.ts';
import {
  emptied,
  insertFor,
  logged,
  makeTopic,
  openOutbox,
  pendingOf,
  readTopic,
  type RelayProcess,
  spawnRelay,
  storedByKey,
} from './outbox-scene.ts';

const missing = 'missing' in postgresPrograms ? ` (skipped: ${postgresPrograms.missing})` : '';

describe.skipIf(missing !== '')(`R-REC-11: the relay in outages${missing}`, () => {
  const home = mkdtempSync(join(tmpdir(), 'ledgerline-outbox-'));
  const relays: RelayProcess[] = [];
  let postgres: Postgres;
  let kafka: Kafka;
  beforeAll(async () => {
    [postgres, kafka] = await Promise.all([startPostgres(), startKafka({ dataDir: home })]);
  });
  afterAll(async () => {
    for (const relay of relays) relay.kill('SIGKILL');
    // Its folder goes with it: nothing to put in order first.
    kafka.kill('SIGKILL');
    await Promise.all([postgres.stop(), kafka.exited]);
    rmSync(home, { recursive: true, force: true });
  });

  const start = (url: string, topic: string): RelayProcess => {
    const relay = spawnRelay(url, kafka.brokers, topic);
    relays.push(relay);
    return relay;
  };
  const write = async (url: string, count: number): Promise<string[]> => {
    const inserts = Array.from({ length: count }, () => insertFor('env-1'));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const { text, values } of inserts) await client.query(text, values);
    await client.end();
    return inserts.map(({ id }) => id);
  };

  it('events wait in the outbox while either is away, and leave once and in order when it is back', async () => {
    const url = await openOutbox(postgres);
    const topic = `outbox.${randomUUID()}`;
    await makeTopic(kafka.brokers, topic);
    const relay = start(url, topic);
    const ids = await write(url, 20);
    await emptied(url);

    kafka.kill('SIGKILL');
    await kafka.exited;
    ids.push(...(await write(url, 20)));
    await logged(relay, 'events cannot be sent');
    expect(await pendingOf(url)).toBe(20);
    const { stdout } = await runCli(['outbox', 'status', '--json'], {
      env: { LEDGERLINE_OUTBOX_URL: url },
    });
    expect(JSON.parse(stdout)).toMatchObject({ pending: 20, published: 20, relay: true });

    // PostgreSQL crashes as well, with the batch on its way.
    await postgres.crash();
    await logged(relay, 'the outbox cannot be reached');
    await postgres.start();
    await logged(relay, 'the outbox is reached again');
    kafka = await startKafka({ dataDir: home, port: kafka.port });
    await emptied(url);
    ids.push(...(await write(url, 20)));
    await emptied(url);
    relay.kill('SIGTERM');
    expect(await relay.exited).toBe(0);

    const messages = await readTopic(kafka.brokers, topic);
    expect([...storedByKey(messages).values()]).toEqual([ids]);
    expect(relay.log().match(/events cannot be sent/g)).toHaveLength(1);
    expect(relay.log().match(/the outbox cannot be reached/g)).toHaveLength(1);
  }, 90_000);

  it('of several relays one publishes; when it ends, another does', async () => {
    const url = await openOutbox(postgres);
    const topic = `outbox.${randomUUID()}`;
    await makeTopic(kafka.brokers, topic);
    const first = start(url, topic);
    await logged(first, '"publishing"');
    const second = start(url, topic);
    await logged(second, 'standing by');
    first.kill('SIGKILL');
    await logged(second, '"publishing"');
    const ids = await write(url, 3);
    await emptied(url);
    second.kill('SIGTERM');
    expect(await second.exited).toBe(0);
    expect((await readTopic(kafka.brokers, topic)).map(({ id }) => id)).toEqual(ids);
  }, 60_000);
});
