import { describe, expect, test } from 'vitest';
import { openPublisher, type AuditEvent } from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';
import { uuidv5 } from '../../schemas/index.ts';
import { lineLogger } from './catalog.ts';

const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

/** An event as an import makes it: with an id and a time of its own. */
const imported = (n: number): AuditEvent => ({
  id: uuidv5(NAMESPACE, `event ${n}`),
  type: 'aws.s3.bucket_created',
  version: 1,
  category: 'aws',
  operation: 'create',
  outcome: 'success',
  severity: 'low',
  occurredAt: '2023-07-10T12:00:00.000001Z',
  tenant: '123456789012',
  actor: { type: 'iam_user', id: 'AIDA' },
  target: { type: 'bucket', id: `bucket_${n % 5}` },
  service: 's3.amazonaws.com',
  retentionClass: 'archive',
});

const open = async (buffer = {}) => {
  const transport = memoryTransport();
  const logger = lineLogger();
  const publisher = await openPublisher({ transport, logger, flushIntervalMs: 5, buffer });
  return { publisher, transport };
};

describe('R-ASK-09: publishing events that exist already', () => {
  test('ids, times and everything else arrive as they are, flagged where they may repeat', async () => {
    const { publisher, transport } = await open();
    const { id, delivered } = await publisher.publish(imported(1), { mayRepeat: true });
    expect(await delivered).toMatchObject({ status: 'stored', offset: 0 });
    await publisher.close();
    expect(transport.messages[0]).toMatchObject({
      id,
      key: '123456789012/bucket/bucket_1',
      mayRepeat: true,
    });
    expect(transport.events()[0]).toMatchObject(imported(1));
  });

  test('more events than the buffer holds wait for room, and all arrive', async () => {
    const { publisher, transport } = await open({ maxEvents: 20 });
    for (let n = 0; n < 500; n += 1) await publisher.publish(imported(n));
    expect(await publisher.flush()).toEqual({ complete: true, left: 0 });
    expect(new Set(transport.messages.map(({ id }) => id)).size).toBe(500);
    await publisher.close();
  });

  test('waiting for room has a deadline', async () => {
    const { publisher, transport } = await open({ maxEvents: 1 });
    transport.hang();
    await publisher.publish(imported(1));
    await expect(publisher.publish(imported(2), { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    transport.recover();
    await publisher.close();
    expect(transport.messages).toHaveLength(1);
  });

  test('waiting for room can be without one, but not with one that is none', async () => {
    const { publisher, transport } = await open({ maxEvents: 1 });
    transport.hang();
    await publisher.publish(imported(1));
    const patient = publisher.publish(imported(2), { timeoutMs: Infinity });
    const short = publisher.publish(imported(3), { timeoutMs: 20 });
    await expect(short).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    transport.recover();
    expect(await (await patient).delivered).toMatchObject({ status: 'stored' });
    const none = { timeoutMs: NaN };
    const fault = { code: 'CONFIG_INVALID' };
    await expect(publisher.publish(imported(4), none)).rejects.toMatchObject(fault);
    await expect(publisher.flush(none)).rejects.toMatchObject(fault);
    await expect(publisher.close(none)).rejects.toMatchObject(fault);
    expect(await publisher.close()).toEqual({ complete: true, left: 0 });
  });

  test('what is refused says so; delivered never rejects', async () => {
    const { publisher, transport } = await open();
    transport.refuse(({ key }) => key.endsWith('bucket_2'));
    const publications = await Promise.all([1, 2, 3].map((n) => publisher.publish(imported(n))));
    const ends = await Promise.all(publications.map(({ delivered }) => delivered));
    expect(ends.map(({ status }) => status)).toEqual(['stored', 'lost', 'stored']);
    expect(ends[1]).toMatchObject({ cause: 'refused', error: { code: 'KAFKA_REFUSED' } });
    await publisher.close();
  });

  test('an event that is none is rejected at once; so is any after the close', async () => {
    const { publisher } = await open();
    await expect(publisher.publish({ ...imported(1), id: 'x' })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    await publisher.close();
    await expect(publisher.publish(imported(1))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('opening fails at once where there is no Kafka, and names what was tried', async () => {
    const start = performance.now();
    await expect(
      openPublisher({ kafka: { brokers: ['127.0.0.1:1'], connectionTimeoutMs: 500 } }),
    ).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:1') as string,
    });
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
