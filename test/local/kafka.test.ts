import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { formatFolder } from '../../local/kafka/format.ts';
import { javaMajor } from '../../local/kafka/java.ts';
import { propertiesFile } from '../../local/kafka/properties.ts';
import { startKafka } from '../../local/kafka.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { startStack } from '../../local/stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'ledgerline-kafka-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const JARS = join(PROJECT_ROOT, '.local', 'kafka', 'libs', '*');
const START_TIMEOUT_MS = 60_000;

describe('the local broker', () => {
  it(
    'keeps what it acknowledged across SIGKILL, on the same folder and port',
    async () => {
      const dataDir = join(folder, 'killed');
      let kafka = await startKafka({ dataDir });
      try {
        await withAdmin(kafka.brokers, (admin) =>
          admin.createTopics({
            topics: [{ topic: 'kept', numPartitions: 2 }],
            waitForLeaders: true,
          }),
        );
        await produce(kafka.brokers, 'kept', 'before');
        await expect(startKafka({ dataDir })).rejects.toMatchObject({ code: 'FOLDER_LOCKED' });

        kafka.kill('SIGKILL');
        expect(await kafka.exited).toEqual({ code: null, signal: 'SIGKILL' });
        kafka = await startKafka({ dataDir, port: kafka.port });
        const high = await withAdmin(kafka.brokers, async (admin) => {
          const offsets = await admin.fetchTopicOffsets('kept');
          return offsets.map(({ high: end }) => Number(end)).reduce((a, b) => a + b);
        });
        expect(high).toBe(1);
      } finally {
        await kafka.stop();
      }
      // Kafka ends by the signal's number when it has shut down in order.
      expect(await kafka.exited).toEqual({ code: 143, signal: null });
    },
    2 * START_TIMEOUT_MS,
  );

  it('makes a usual folder without another JVM, with ids of its own', async () => {
    // The run's own broker has had the tool write what is copied here.
    const make = async (name: string, clusterId: string): Promise<[string, Buffer]> => {
      const dataDir = join(folder, name);
      const part = { java: 'no-java', properties: 'none', env: {}, users: {}, isUsual: true };
      await formatFolder({ ...part, classPath: JARS, dataDir, clusterId });
      return [
        readFileSync(join(dataDir, 'meta.properties'), 'utf8'),
        readFileSync(join(dataDir, 'bootstrap.checkpoint')),
      ];
    };
    const [meta, checkpoint] = await make('one', 'A'.repeat(22));
    const [otherMeta, otherCheckpoint] = await make('other', 'B'.repeat(22));
    expect(meta).toMatch(/^version=1\ncluster\.id=A{22}\nnode\.id=1\ndirectory\.id=[\w-]{22}\n$/);
    expect(otherMeta).toContain(`cluster.id=${'B'.repeat(22)}\n`);
    expect(otherMeta.split('directory.id=')[1]).not.toBe(meta.split('directory.id=')[1]);
    expect(otherCheckpoint.equals(checkpoint)).toBe(true);
  });

  it('names the port that is taken, before anything is started', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      await expect(startKafka({ dataDir: join(folder, 'taken'), port })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: expect.stringContaining(`127.0.0.1:${port}`) as string,
      });
    } finally {
      server.close();
    }
  });

  it('says that Java is missing, in one line, with the way out', async () => {
    const started = startKafka({ dataDir: join(folder, 'no-java'), env: { PATH: '' } });
    await expect(started).rejects.toMatchObject({
      code: 'JAVA_UNUSABLE',
      message: expect.not.stringContaining('\n') as string,
      hint: expect.stringContaining('17') as string,
    });
  });

  it('says why it did not start', async () => {
    const started = startKafka({
      dataDir: join(folder, 'misconfigured'),
      config: { 'log.retention.ms': 'soon' },
    });
    await expect(started).rejects.toMatchObject({
      code: 'LOCAL_START_FAILED',
      message: expect.stringContaining('log.retention.ms') as string,
    });
  });

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_392"', 8],
  ])('reads %j as Java %i', (text, major) => {
    expect(javaMajor(text)).toBe(major);
  });

  it('writes settings that Java reads back', () => {
    expect(propertiesFile({ a: 1, path: 'C:\\x', lead: ' y' })).toBe(
      'a=1\npath=C:\\\\x\nlead=\\ y\n',
    );
  });
});

describe('the local stack', () => {
  it(
    'runs beside another one, and stops twice as well as once',
    async () => {
      // The run's own stack is the other one.
      const stack = await startStack({ dataDir: join(folder, 'beside') });
      try {
        const answer = await fetch(stack.engine.url, { method: 'POST', body: 'SELECT 1' });
        expect(await answer.text()).toBe('1\n');
        expect(await withAdmin(stack.kafka.brokers, (admin) => admin.listTopics())).toEqual([]);
      } finally {
        await Promise.all([stack.stop(), stack.stop()]);
      }
      expect((await stack.engine.exited).code).toBe(0);
    },
    2 * START_TIMEOUT_MS,
  );
});

async function withAdmin<T>(
  brokers: readonly string[],
  use: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function produce(brokers: readonly string[], topic: string, value: string): Promise<void> {
  const producer = client(brokers).producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

function client(brokers: readonly string[]): kafkajs.Kafka {
  return new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 10 },
  });
}
