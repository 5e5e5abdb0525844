import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { expect, inject, onTestFinished, test } from 'vitest';
import { createLedger } from '../../producers/index.ts';
import { openBrokerProxy } from '../support/broker-proxy.ts';
import { API } from '../support/kafka-frames.ts';
import { catalog, lineLogger } from './catalog.ts';

test('R-EDGE-08: a connection that was cut in the middle of an answer is understood again', async () => {
  const [broker = ''] = inject('brokers');
  const topic = `cut-${randomUUID().slice(0, 8)}`;
  // Not by the consuming side, which mends connections for the whole process.
  const admin = new kafkajs.Kafka({ brokers: [broker] }).admin();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const proxy = await openBrokerProxy(broker);
  onTestFinished(() => proxy.close());
  const ledger = createLedger({
    service: 'panel',
    catalog,
    kafka: { brokers: [proxy.address], requestTimeoutMs: 2_000 },
    topic,
    logger: lineLogger(),
  });
  onTestFinished(async () => void (await ledger.close({ timeoutMs: 2_000 })));
  const record = () =>
    ledger.record('app.created', { actor: { type: 'user', id: 'u' }, target: { id: 'a' } });
  expect((await record()).status).toBe('stored');
  const cut = proxy.next(API.produce, 'cut', { times: 3 });
  void proxy.next(API.metadata, 'cut', { times: 2 });
  void proxy.next(API.versions, 'cut');
  const cutOff = record();
  await cut;
  // Kafka has it, the answer was lost: it is sent again, marked, and so is what follows.
  expect((await cutOff).status).toBe('stored');
  expect((await record()).status).toBe('stored');
});
