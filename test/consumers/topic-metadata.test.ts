import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fetchTopicId } from '../../consumers/fence.ts';
import { describeTopic } from '../../consumers/topic.ts';
import {
  decodeTopicMetadataResponse,
  encodeTopicMetadataRequest,
} from '../../consumers/topic-metadata.ts';
import { until } from '../support/until.ts';
import { GroupWatcher } from './group-watcher.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NO_ID = '00000000-0000-0000-0000-000000000000';

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
const compact = (text: string | null): number[] =>
  text === null ? [0] : [...varint(Buffer.byteLength(text) + 1), ...Buffer.from(text)];
const int32 = (value: number): number[] => [...Buffer.from(Uint32Array.of(value).buffer).reverse()];

/** A Metadata response, version 12, written from the protocol guide and not from our decoder. */
function response(its: {
  brokers: readonly { host: string; rack: string | null }[];
  cluster: string | null;
  topic: string;
  id: string;
  errorCode: number;
  tag: string;
}): Buffer {
  const tags =
    its.tag === '' ? [0] : [1, 7, ...varint(Buffer.byteLength(its.tag)), ...Buffer.from(its.tag)];
  return Buffer.from([
    ...tags,
    ...int32(250),
    ...varint(its.brokers.length + 1),
    ...its.brokers.flatMap(({ host, rack }, node) => [
      ...int32(node),
      ...compact(host),
      ...int32(9092),
      ...compact(rack),
      ...tags,
    ]),
    ...compact(its.cluster),
    ...int32(0),
    ...varint(2),
    (its.errorCode >> 8) & 0xff,
    its.errorCode & 0xff,
    ...compact(its.topic),
    ...Buffer.from(its.id.replaceAll('-', ''), 'hex'),
    0, // is_internal; partitions and the rest follow, which we do not read
  ]);
}

describe('the Metadata request in bytes', () => {
  it('is what the protocol guide says', () => {
    expect(encodeTopicMetadataRequest('ab').toString('hex')).toBe(
      ['00', '02', '00'.repeat(16), '036162', '00', '00', '00', '00'].join(''),
    );
  });

  it('writes the length of a long name as a varint', () => {
    const bytes = encodeTopicMetadataRequest('x'.repeat(249));
    expect(bytes.subarray(18, 20)).toEqual(Buffer.from([0xfa, 0x01]));
    expect(bytes.length).toBe(18 + 2 + 249 + 4);
  });

  it('finds the id in whatever stands around it', () => {
    const text = fc.string({ maxLength: 200 });
    fc.assert(
      fc.property(
        fc.record({
          brokers: fc.array(fc.record({ host: text, rack: fc.option(text) }), { maxLength: 5 }),
          cluster: fc.option(text),
          topic: text,
          id: fc.uuid(),
          errorCode: fc.constantFrom(0, 3, -1),
          tag: text,
        }),
        (its) => {
          const { topicId, errorCode } = decodeTopicMetadataResponse(response(its));
          expect(topicId).toBe(its.id);
          expect(errorCode).toBe(its.errorCode);
        },
      ),
    );
  });

  it('cut short is an error, not a wrong id', () => {
    const whole = response({
      brokers: [{ host: 'h', rack: null }],
      cluster: 'c',
      topic: 't',
      id: randomUUID(),
      errorCode: 0,
      tag: '',
    });
    for (let length = 0; length < whole.length - 1; length++) {
      expect(() => decodeTopicMetadataResponse(whole.subarray(0, length))).toThrow(RangeError);
    }
  });
});

describe('a topic’s id, asked of the broker (R-DLV-01)', () => {
  let admin: Admin;
  beforeAll(async () => {
    admin = new kafkajs.Kafka({
      brokers: inject('brokers'),
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
  });
  afterAll(() => admin.disconnect());

  const idOf = async (topic: string): Promise<string> => {
    const kafka = { brokers: inject('brokers'), topic, group: topic, clientId: 'topic-id-test' };
    const timeouts = { connectionTimeoutMs: 3_000, requestTimeoutMs: 10_000 };
    return (await describeTopic({ ...kafka, ...timeouts }, 8_000)).topicId;
  };

  it('stays as long as the topic does, and is another one when it is made again', async () => {
    const topic = `id.${randomUUID()}`;
    // Not waiting for leaders: kafkajs asks once too early for a topic that has just been deleted.
    const create = async (): Promise<string> => {
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic }] });
      return until(
        'the topic to be there',
        () => idOf(topic),
        (id) => UUID.test(id),
      );
    };
    const first = await create();
    expect(first).toMatch(UUID);
    expect(first).not.toBe(NO_ID);
    expect(await idOf(topic)).toBe(first);
    await admin.deleteTopics({ topics: [topic] });
    const topics = () => admin.listTopics();
    await until('the topic to be gone', topics, (names) => !names.includes(topic));
    const second = await create();
    expect(second).toMatch(UUID);
    expect(second).not.toBe(first);
  });

  it('is the same to a member behind the fence; an unknown topic has none, and is not made by asking', async () => {
    const topic = `id.${randomUUID()}`;
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic }] });
    const watcher = new GroupWatcher(inject('brokers'), topic, topic);
    try {
      await watcher.member.start();
      await watcher.sees('an assignment', () => watcher.of('assigned').length > 0);
      expect(watcher.topicId).toBe(await idOf(topic));
      const missing = `${topic}.missing`;
      const answer = await fetchTopicId(watcher.assignment.coordinator, missing);
      expect(answer).toEqual({ topicId: NO_ID, errorCode: 3 });
      expect(await admin.listTopics()).not.toContain(missing);
    } finally {
      await watcher.member.stop();
    }
  });

  it('of a topic that is not there is an error with a name and a way out', async () => {
    await expect(idOf(`id.${randomUUID()}`)).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING' });
  });
});
