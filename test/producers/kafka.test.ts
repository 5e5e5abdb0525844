import { randomUUID } from 'node:crypto';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { createLedger, type LedgerOptions } from '../../producers/index.ts';
import { KafkaTransport } from '../../producers/kafka-transport.ts';
import { partitionOf } from '../../producers/murmur2.ts';
import { until } from '../support/until.ts';
import { actor, catalog, lineLogger, update } from './catalog.ts';

const brokers = inject('brokers');
const CONNECTION = {
  brokers,
  clientId: 't',
  connectionTimeoutMs: 1_000,
  requestTimeoutMs: 2_000,
};
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
let admin: Admin;
beforeAll(async () => {
  admin = kafka.admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

async function newTopic(partitions: number, config: Readonly<Record<string, string>> = {}) {
  const topic = `producers-${randomUUID()}`;
  onTestFinished(() => admin.deleteTopics({ topics: [topic] }));
  await createTopic(topic, partitions, config);
  return topic;
}

async function createTopic(
  topic: string,
  numPartitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  // kafkajs's own waiting fails when it asks a moment too early.
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic, numPartitions, configEntries }],
  });
  await until(
    'the topic has its partitions',
    () => admin.fetchTopicMetadata({ topics: [topic] }),
    ({ topics }) => topics[0]?.partitions.length === numPartitions,
  );
}

function newLedger(topic: string, options: Partial<LedgerOptions<typeof catalog>> = {}) {
  const logger = lineLogger();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    kafka: { brokers, connectionTimeoutMs: 1_000, requestTimeoutMs: 2_000 },
    topic,
    logger,
    reportIntervalMs: false,
    ...options,
  });
  onTestFinished(async () => void (await ledger.close({ timeoutMs: 1_000 })));
  return { ledger, logger };
}

interface Read {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything in the topic, in the order of offsets within each partition. */
async function readAll(topic: string): Promise<Read[]> {
  const ends = await admin.fetchTopicOffsets(topic);
  const expected = ends.reduce((sum, { high }) => sum + Number(high), 0);
  const read: Read[] = [];
  if (expected === 0) return read;
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          const headers = Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)]);
          read.push({
            partition,
            offset: Number(message.offset),
            key: String(message.key),
            row: JSON.parse(String(message.value)) as Read['row'],
            headers: Object.fromEntries(headers) as Read['headers'],
          });
          if (read.length === expected) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return read.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

describe('R-REC-08: on a real broker', () => {
  test('20 concurrent records have 20 distinct places, and each is where its receipt says', async () => {
    const topic = await newTopic(3);
    const { ledger } = newLedger(topic);
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ledger.record('app.env_var.updated', update(n))),
    );
    const read = await readAll(topic);
    const places = new Set<string>();
    for (const receipt of receipts) {
      if (receipt.status !== 'stored') throw new Error(receipt.status);
      places.add(`${receipt.partition}/${receipt.offset}`);
      const there = read.find(
        ({ partition, offset }) => partition === receipt.partition && offset === receipt.offset,
      );
      expect(there?.row).toMatchObject({ event_id: receipt.id, producer_seq: receipt.seq });
      expect(there?.headers).toEqual({ 'll-v': '1', 'll-id': receipt.id });
    }
    expect(places.size).toBe(20);
  });

  test('R-EDGE-06: 3,000 events in the order of each key, all there when close resolves', async () => {
    const topic = await newTopic(4);
    const { ledger } = newLedger(topic);
    for (let n = 0; n < 3_000; n += 1) ledger.emit('app.env_var.updated', update(n % 7));
    expect(await ledger.close()).toEqual({ complete: true, left: 0 });
    const read = await readAll(topic);
    expect(new Set(read.map(({ row }) => row['producer_seq'])).size).toBe(3_000);
    expect(read).toHaveLength(3_000);
    const last = new Map<string, number>();
    for (const { key, row, partition } of read) {
      const seq = Number(row['producer_seq']);
      expect(seq).toBeGreaterThan(last.get(key) ?? 0);
      expect(partition).toBe(partitionOf(key, 4));
      last.set(key, seq);
    }
  });

  test('a message that the topic is too small for is refused, its neighbours are stored', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '4000' });
    const { ledger } = newLedger(topic);
    const ends = await Promise.allSettled(
      Array.from({ length: 9 }, (_, n) =>
        ledger.record('server.note', { actor, message: n === 4 ? 'x'.repeat(5_000) : 'short' }),
      ),
    );
    expect(ends.map(({ status }) => status === 'fulfilled')).toEqual(ends.map((_, n) => n !== 4));
    expect(ends[4]).toMatchObject({
      reason: { name: 'DeliveryError', code: 'EVENT_TOO_LARGE', retryable: false },
    });
    expect(ledger.stats().lost).toMatchObject({ too_large: 1, refused: 0 });
    expect(await readAll(topic)).toHaveLength(8);
  });

  test('R-EDGE-04: what trickles in for four partitions is one request', async () => {
    const topic = await newTopic(4);
    const transport = new KafkaTransport(CONNECTION, topic);
    const together = vi.spyOn(transport, 'sendTogether');
    const alone = vi.spyOn(transport, 'send');
    const { ledger } = newLedger(topic, { transport });
    // A topic that was just made may have no leaders yet: what fails is sent one by one.
    for (let n = 0; n < 10; n += 1) await ledger.record('app.env_var.updated', update(n));
    together.mockClear();
    alone.mockClear();
    for (let n = 0; n < 50; n += 1) ledger.emit('app.env_var.updated', update(n));
    await ledger.flush();
    expect([together.mock.calls.length, alone.mock.calls.length]).toEqual([1, 0]);
    const read = await readAll(topic);
    expect(new Set(read.map(({ partition }) => partition)).size).toBe(4);
    expect(
      read.map(({ row }) => row['producer_seq']).sort((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
  });

  test('what one partition refuses is stored once in the others, marked for the ledger', async () => {
    const topic = await newTopic(4, { 'max.message.bytes': '4000' });
    const { ledger } = newLedger(topic);
    for (let n = 0; n < 40; n += 1) ledger.emit('app.env_var.updated', update(n));
    ledger.emit('server.note', { actor, message: 'x'.repeat(5_000) });
    for (let n = 40; n < 50; n += 1) ledger.emit('app.env_var.updated', update(n));
    await ledger.close();
    expect(ledger.stats()).toMatchObject({ stored: 50, lost: { too_large: 1 } });
    const seqs = (await readAll(topic)).map(({ row }) => Number(row['producer_seq']));
    const expected = Array.from({ length: 51 }, (_, n) => n + 1).filter((seq) => seq !== 41);
    expect(seqs.sort((a, b) => a - b)).toEqual(expected);
  });

  test('a topic that grows gets events in its new partitions', async () => {
    const topic = await newTopic(1);
    const transport = new KafkaTransport(CONNECTION, topic);
    onTestFinished(() => transport.close());
    await transport.connect();
    const message = { id: randomUUID(), key: 'k', value: Buffer.from('{}'), mayRepeat: true };
    expect(await transport.send(0, [message])).toEqual({ status: 'stored', baseOffset: 0 });
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await transport.close();
    const again = new KafkaTransport(CONNECTION, topic);
    onTestFinished(() => again.close());
    await again.connect();
    expect(again.partitions).toBe(3);
    expect(await again.send(2, [message])).toEqual({ status: 'stored', baseOffset: 0 });
    expect(await again.send(7, [message])).toEqual({ status: 'no_such_partition' });
    const [first] = await readAll(topic);
    expect(first?.headers).toEqual({ 'll-v': '1', 'll-id': message.id, 'll-dup': '1' });
  });
});

describe('R-EDGE-08: when Kafka is not there', () => {
  test('refused: emit goes on, record rejects at its deadline and names the broker', async () => {
    const { ledger, logger } = newLedger('audit.events', {
      kafka: { brokers: ['127.0.0.1:1'], connectionTimeoutMs: 500 },
    });
    expect(ledger.emit('app.env_var.updated', update()).status).toBe('accepted');
    await expect(
      ledger.record('app.env_var.updated', update(), { timeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('127.0.0.1:1') as string,
    });
    expect(ledger.emit('app.env_var.updated', update()).status).toBe('accepted');
    expect(await ledger.close({ timeoutMs: 100 })).toMatchObject({
      complete: false,
      left: 3,
      error: { code: 'KAFKA_UNREACHABLE' },
    });
    expect(logger.lines).toEqual([
      'warn: events cannot be sent; they wait, and are tried again',
      'error: an event is not recorded; more like it are counted',
      'error: closed with events that were not delivered',
    ]);
  });

  test('hung: a broker that accepts and never answers holds up nobody', async () => {
    const sockets = new Set<Socket>();
    const hung = await listen((socket) => sockets.add(socket));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      hung.close();
    });
    const { port } = hung.address() as AddressInfo;
    const { ledger } = newLedger('audit.events', {
      kafka: { brokers: [`127.0.0.1:${port}`], connectionTimeoutMs: 500, requestTimeoutMs: 500 },
    });
    const start = performance.now();
    await expect(
      ledger.record('app.env_var.updated', update(), { timeoutMs: 200 }),
    ).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await ledger.close({ timeoutMs: 200 })).toMatchObject({ complete: false, left: 1 });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test('a topic that does not exist is not made by misspelling it', async () => {
    const topic = `missing-${randomUUID()}`;
    const { ledger } = newLedger(topic);
    await expect(
      ledger.record('app.env_var.updated', update(), { timeoutMs: 1_500 }),
    ).rejects.toMatchObject({ message: expect.stringContaining(`no topic "${topic}"`) as string });
    expect(await admin.listTopics()).not.toContain(topic);
    onTestFinished(() => admin.deleteTopics({ topics: [topic] }));
    await createTopic(topic, 1);
    expect(await ledger.flush()).toEqual({ complete: true, left: 0 });
  });

  test('an answer that is lost: the event is sent again, and the broker recognises it', async () => {
    const topic = await newTopic(1);
    const connects = vi.spyOn(net, 'connect');
    onTestFinished(() => connects.mockRestore());
    const { ledger } = newLedger(topic);
    await ledger.record('app.env_var.updated', update(1));
    let lost = 0;
    for (const { value } of connects.mock.results)
      loseNextAnswer(value as Socket, () => (lost += 1));
    const second = await ledger.record('app.env_var.updated', update(2));
    expect(second).toMatchObject({ status: 'stored', offset: 1 });
    expect(lost).toBe(1);
    const read = await readAll(topic);
    expect(read.map(({ headers }) => headers['ll-dup'])).toEqual([undefined, undefined]);
  });

  test('a connection on which nothing is answered any more is replaced, by the same producer', async () => {
    const topic = await newTopic(1);
    const connects = vi.spyOn(net, 'connect');
    onTestFinished(() => connects.mockRestore());
    const { ledger } = newLedger(topic, {
      kafka: { brokers, connectionTimeoutMs: 500, requestTimeoutMs: 200 },
    });
    await ledger.record('app.env_var.updated', update(1));
    for (const { value } of connects.mock.results) goSilent(value as Socket);
    const second = await ledger.record('app.env_var.updated', update(2));
    expect(second).toMatchObject({ status: 'stored', offset: 1 });
    const read = await readAll(topic);
    expect(read.map(({ headers }) => headers['ll-dup'])).toEqual([undefined, undefined]);
  });

  test('a topic that is made anew with fewer partitions gets what was meant for the others', async () => {
    const topic = await newTopic(3);
    const { ledger } = newLedger(topic);
    const keys = Array.from({ length: 12 }, (_, n) => n);
    await Promise.all(keys.map((n) => ledger.record('app.env_var.updated', update(n))));
    await admin.deleteTopics({ topics: [topic] });
    await createTopic(topic, 1);
    const ends = await Promise.all(
      keys.map((n) => ledger.record('app.env_var.updated', update(n), { timeoutMs: 20_000 })),
    );
    expect(ends.map((end) => end.status === 'stored' && end.partition)).toEqual(keys.map(() => 0));
    expect(new Set((await readAll(topic)).map(({ row }) => row['event_id'])).size).toBe(12);
  });
});

/** Instead of hearing the broker's next words, the socket breaks. */
function loseNextAnswer(socket: Socket, onLost: () => void): void {
  const emit = socket.emit.bind(socket) as (...args: unknown[]) => boolean;
  socket.emit = (...args: unknown[]) => {
    if (args[0] !== 'data' || socket.destroyed) return emit(...args);
    onLost();
    socket.destroy(new Error('ECONNRESET'));
    return true;
  };
}

/** As behind a firewall that forgot the connection: requests go out, nothing comes back. */
function goSilent(socket: Socket): void {
  const emit = socket.emit.bind(socket) as (...args: unknown[]) => boolean;
  socket.emit = (...args: unknown[]) => (args[0] === 'data' ? true : emit(...args));
}

const listen = (onConnection: (socket: Socket) => void): Promise<Server> =>
  new Promise((resolve) => {
    const server = net.createServer(onConnection);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
