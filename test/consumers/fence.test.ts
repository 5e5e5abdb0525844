/**
 * What consumers/fence.ts relies on inside kafkajs and of the broker. A kafkajs that works in another
 * way fails here, before it loses an event.
 */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../support/until.ts';
import { GroupWatcher, type Sighting } from './group-watcher.ts';

let kafka: Kafka;
let admin: Admin;
const watchers: GroupWatcher[] = [];
/** The text of the crash in which a commit that is not ours ends. */
const FOREIGN_COMMIT = 'not made by the delivery protocol';

beforeAll(async () => {
  kafka = new kafkajs.Kafka({ brokers: inject('brokers'), logLevel: kafkajs.logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
});
afterEach(async () => {
  await Promise.all(watchers.splice(0).map(({ member }) => member.stop()));
});
afterAll(() => admin.disconnect());

async function topicOf(numPartitions: number): Promise<string> {
  const topic = `fence.${randomUUID()}`;
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions }] });
  return topic;
}

/** A running member of the group that is named like its topic. */
async function join(topic: string): Promise<GroupWatcher> {
  const watcher = new GroupWatcher(inject('brokers'), topic, topic);
  watchers.push(watcher);
  await watcher.member.start();
  await watcher.sees('an assignment', () => watcher.of('assigned').length > 0);
  return watcher;
}

/** The members of one group, once it is stable with all of them in it. */
async function joinAll(topic: string, count: number): Promise<GroupWatcher[]> {
  const members: GroupWatcher[] = [];
  while (members.length < count) members.push(await join(topic));
  await until(
    'the group to be stable',
    () => Promise.resolve(members.map((one) => one.of('assigned').at(-1))),
    (latest) =>
      latest.every(
        (one) => one?.generation === latest[0]?.generation && (one?.partitions.length ?? 0) > 0,
      ),
  );
  return members;
}

async function produce(topic: string, count: number, partition = 0): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const messages = Array.from({ length: count }, (_, index) => ({
    value: `{"n":${index}}`,
    partition,
  }));
  try {
    await producer.send({ topic, acks: -1, messages });
  } finally {
    await producer.disconnect();
  }
}

async function committed(topic: string, partition = 0) {
  const [fetched] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
  const found = fetched?.partitions.find((one) => one.partition === partition);
  return { offset: found?.offset, metadata: found?.metadata };
}

/** Messages of a partition that was not assigned since the last request to join. */
function fetchedOutsideOfAssignments(seen: readonly Sighting[]): Sighting[] {
  const owned = new Set<number>();
  let joining = false;
  return seen.filter((sighting) => {
    if (sighting.what === 'before join') {
      joining = true;
      owned.clear();
    }
    if (sighting.what === 'assigned') {
      if (!joining) return true;
      for (const partition of sighting.partitions) owned.add(partition);
    }
    return sighting.what === 'messages' && !owned.has(sighting.partition);
  });
}

describe('a commit (R-DLV-01)', () => {
  it('is accepted in the generation of the assignment, with the intent beside it', async () => {
    const topic = await topicOf(1);
    const one = await join(topic);
    expect(await one.commit(0, 5, '{"v":1}')).toBe('committed');
    expect(await committed(topic)).toEqual({ offset: '5', metadata: '{"v":1}' });
  });

  it('is read back behind the fence by whoever joins next', async () => {
    const topic = await topicOf(1);
    await produce(topic, 7);
    const one = await join(topic);
    expect(one.partitions).toMatchObject([{ committed: undefined, low: 0, high: 7 }]);
    await one.commit(0, 5, '{"v":1}');
    await one.member.stop();
    watchers.splice(0);
    const next = await join(topic);
    expect(next.partitions).toEqual([
      { partition: 0, committed: 5, metadata: '{"v":1}', low: 0, high: 7 },
    ]);
    await next.sees('the messages behind the commit', () => next.offsets.length === 2);
    expect(next.offsets).toEqual([5, 6]);
  });

  it.each([
    ['of an older generation', { generationId: 0 }],
    ['of a member that the group does not know', { memberId: 'nobody' }],
  ])('%s is refused as fenced, and changes nothing', async (_, other) => {
    const topic = await topicOf(1);
    const one = await join(topic);
    await one.commit(0, 5, 'intent');
    const stale = { ...one.assignment, ...other };
    expect(await one.member.commit(stale, 0, 9, 'stale', () => undefined)).toBe('fenced');
    expect(await committed(topic)).toEqual({ offset: '5', metadata: 'intent' });
  });

  it('of a session before a rebalance is refused, although the member lives on', async () => {
    const topic = await topicOf(2);
    const one = await join(topic);
    const before = one.assignment;
    await joinAll(topic, 1);
    await one.sees('another generation', () => one.of('assigned').length > 1);
    expect(one.assignment.memberId).toBe(before.memberId);
    expect(await one.member.commit(before, 0, 9, 'stale', () => undefined)).toBe('fenced');
    expect(await committed(topic)).toEqual({ offset: '-1', metadata: null });
  });

  it('is not sent when the check in the process says no, even in a generation that is still good', async () => {
    const topic = await topicOf(1);
    const one = await join(topic);
    const over = new Error('the session is over');
    const result = await one.commit(0, 9, 'stale', () => {
      throw over;
    });
    expect(result).toEqual({ retry: over });
    expect(await committed(topic)).toEqual({ offset: '-1', metadata: null });
  });

  it('larger than the broker’s 4,096 bytes of metadata is refused, never cut', async () => {
    const topic = await topicOf(1);
    const one = await join(topic);
    expect(await one.commit(0, 1, 'x'.repeat(4096))).toBe('committed');
    // Trying again would not help: the broker is set up for less than the protocol needs.
    await expect(one.commit(0, 2, 'x'.repeat(4097))).rejects.toMatchObject({
      code: 'KAFKA_TOPIC_UNFIT',
    });
    expect((await committed(topic)).offset).toBe('1');
  });

  it('during the stop says what really happened', async () => {
    const topic = await topicOf(1);
    const one = await join(topic);
    await one.commit(0, 5, 'intent');
    const stopping = one.member.stop();
    watchers.splice(0);
    const during = await one.commit(0, 6, 'late');
    await stopping;
    const after = await one.commit(0, 7, 'too late');
    expect(after).not.toBe('committed');
    expect((await committed(topic)).offset).toBe(during === 'committed' ? '6' : '5');
  });
});

describe('commits that kafkajs makes by itself', () => {
  it('are refused: an offset out of range ends in a crash, with the intent intact', async () => {
    const topic = await topicOf(1);
    await produce(topic, 20);
    const one = await join(topic);
    await one.sees('all messages', () => one.offsets.length === 20);
    one.member.pause(0);
    await one.commit(0, 5, 'intent');
    // kafkajs deletes only in topics whose leaders it has asked for before.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '10' }] });
    one.next.set(0, 5);
    one.member.seek(0, 5);
    one.member.resume(0);
    await one.sees('a crash', () => one.of('crashed').length > 0);
    const [crash] = one.of('crashed');
    expect(crash?.error.message).toContain(FOREIGN_COMMIT);
    expect(crash?.restarts).toBe(false);
    expect(await committed(topic)).toEqual({ offset: '5', metadata: 'intent' });
  });

  it('are refused after the connection to the coordinator was made anew', async () => {
    const topic = await topicOf(1);
    const one = await join(topic);
    await one.assignment.coordinator.disconnect();
    const commit = () => one.commit(0, 3, 'after');
    await until('a commit over a new connection', commit, (result) => result === 'committed');
    await produce(topic, 5);
    await one.sees('messages again', () => one.offsets.length > 0);
    one.member.seek(0, 1_000);
    one.next.set(0, 1_000);
    await one.sees('a crash', () =>
      one.of('crashed').some(({ error }) => error.message.includes(FOREIGN_COMMIT)),
    );
    expect(await committed(topic)).toEqual({ offset: '3', metadata: 'after' });
  });
});

describe('a join', () => {
  it('is seen before its request, and its assignment before the first fetch of the generation', async () => {
    const topic = await topicOf(4);
    await produce(topic, 10);
    const one = await join(topic);
    await one.sees('the messages', () => one.offsets.length >= 10);
    expect(one.seen.slice(0, 2)).toEqual([
      { what: 'before join' },
      ...one.of('assigned').slice(0, 1),
    ]);

    const other = await join(topic);
    await one.sees('the rebalance', () => one.of('assigned').length > 1);
    await produce(topic, 5, one.of('assigned').at(-1)?.partitions[0] ?? -1);
    await one.sees('messages of the new generation', () => one.seen.at(-1)?.what === 'messages');

    for (const { seen } of [one, other]) expect(fetchedOutsideOfAssignments(seen)).toEqual([]);
    const [mine, theirs] = [one, other].map((watcher) => watcher.of('assigned').at(-1));
    expect(mine?.generation).toBe(theirs?.generation);
    const owned = [...(mine?.partitions ?? []), ...(theirs?.partitions ?? [])];
    expect(owned).toHaveLength(4);
    expect(new Set(owned)).toEqual(new Set([0, 1, 2, 3]));
  });

  const broken = new Error('the broker went away meanwhile');
  const loading = Object.assign(new Error('loading'), { type: 'GROUP_LOAD_IN_PROGRESS' });
  it.each<[string, (one: GroupWatcher) => void]>([
    ['an answer that kafkajs does not join again after', (one) => one.failSync(loading)],
    ['a broken connection', (one) => one.failSync(broken)],
    ['a failed takeover', (one) => void (one.failure = broken)],
  ])(
    'is made again after %s, instead of owning partitions that nobody reads',
    async (_, fail) => {
      const topic = await topicOf(2);
      const one = await join(topic);
      fail(one);
      const other = await join(topic);
      await one.sees('an assignment after the failed one', () => one.of('assigned').length > 1);
      for (const partition of [0, 1]) await produce(topic, 3, partition);
      await other.sees(
        'the messages of both',
        () => one.offsets.length + other.offsets.length >= 6,
      );
      expect([...one.partitions, ...other.partitions]).toHaveLength(2);
      for (const { seen } of [one, other]) expect(fetchedOutsideOfAssignments(seen)).toEqual([]);
      expect(one.of('crashed')).toEqual([]);
      // Well before the group itself gives up on a member that asks for no assignment.
    },
    15_000,
  );

  it('of a non-leader into a stable group keeps its generation: only the process can tell', async () => {
    const topic = await topicOf(2);
    const members = await joinAll(topic, 2);
    const before = members.map(({ assignment }) => assignment.generationId);
    // The leader of a group is the first that joined; it would start a rebalance.
    const follower = members[1];
    const generation = await follower?.joinAgain();
    expect(generation).toBe(before[1]);
    const partition = follower?.partitions[0]?.partition ?? -1;
    expect(await follower?.commit(partition, 1, 'as if nothing had happened')).toBe('committed');
    const dead = follower?.commit(partition, 2, 'stale', () => {
      throw new Error('the session is over');
    });
    expect(await dead).toHaveProperty('retry');
    expect((await committed(topic, partition)).offset).toBe('1');
  });
});

describe('records that are no messages', () => {
  it('move the expectation on, also when a whole fetch holds nothing else', async () => {
    const topic = await topicOf(1);
    const producer = kafka.producer({
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const send = async (values: readonly string[], end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
      await transaction[end]();
    };
    try {
      const one = await join(topic);
      await send(['{"n":0}', '{"n":1}'], 'commit'); // 0, 1, and the control record 2
      await one.sees('the first transaction', () => (one.next.get(0) ?? 0) >= 3);
      await send(['{"n":3}', '{"n":4}', '{"n":5}'], 'abort'); // 3–5, and the control record 6
      await one.sees('the aborted transaction to be passed', () => one.next.get(0) === 7);
      await send(['{"n":7}'], 'commit'); // 7, and the control record 8
      await one.sees('the end of the log', () => one.next.get(0) === 9);
      expect(one.offsets).toEqual([0, 1, 7]);
      expect(one.of('skipped').length).toBeGreaterThan(0);
      expect(one.of('crashed')).toEqual([]);
    } finally {
      await producer.disconnect();
    }
  });
});
