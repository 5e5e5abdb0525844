import { describe, expect, test } from 'vitest';
import { clockFindings } from '../../consumers/doctor/clock-findings.ts';
import { kafkaFindings } from '../../consumers/doctor/kafka-findings.ts';
import type { KafkaFacts } from '../../consumers/doctor/kafka-probe.ts';
import { OPERATION } from '../../consumers/doctor/questions.ts';
import { deadLetterFault } from '../../consumers/quarantine/dead-letter-topic.ts';
import { lagOffsets, LagClock } from '../../consumers/health/lag.ts';
import { readiness } from '../../consumers/health/readiness.ts';

const bits = (...operations: (keyof typeof OPERATION)[]): number =>
  operations.reduce((all, operation) => all | (1 << OPERATION[operation]), 0);

const healthy: KafkaFacts = {
  brokers: 3,
  metadataVersion: 27,
  brokerConfig: { 'offset.metadata.max.bytes': '4096', 'group.max.session.timeout.ms': '1800000' },
  topicConfig: {
    'cleanup.policy': 'delete',
    'retention.ms': '604800000',
    'max.message.bytes': '1048588',
    'min.insync.replicas': '2',
  },
  topic: {
    errorCode: 0,
    partitions: [{ partition: 0, leader: 1, replicas: 3, inSync: 3 }],
    operations: bits('read', 'write', 'describe', 'describeConfigs'),
  },
  group: { errorCode: 0, state: 'Stable', members: 2, operations: bits('read', 'describe') },
  deadLetters: 'fine',
  clock: { skewMs: 3, unsureMs: 2 },
};

const faultsOf = (facts: Partial<KafkaFacts>): string[] =>
  kafkaFindings({ ...healthy, ...facts }, 6_000)
    .filter(({ status }) => status !== 'ok')
    .map(({ status, check }) => `${status} ${check}`);

describe('R-DLV-06: what the doctor makes of Kafka', () => {
  test('nothing, where all is well', () => {
    expect(faultsOf({})).toEqual([]);
  });

  test.each<[string, Partial<KafkaFacts>, string[]]>([
    [
      'too little metadata, sessions too long',
      {
        brokerConfig: {
          'offset.metadata.max.bytes': '1024',
          'group.min.session.timeout.ms': '10000',
        },
      },
      ['fault kafka.offset-metadata', 'fault kafka.session-timeout'],
    ],
    [
      'offsets that may be given twice, and a size limit',
      {
        topicConfig: {
          ...healthy.topicConfig,
          'unclean.leader.election.enable': 'true',
          'retention.bytes': '1000',
        },
      },
      ['warning topic.retention-bytes', 'fault topic.unclean-election'],
    ],
    [
      'a partition without a leader',
      {
        topic: {
          errorCode: 0,
          partitions: [{ partition: 7, leader: -1, replicas: 3, inSync: 0 }],
          operations: bits('read', 'write', 'describe', 'describeConfigs'),
        },
      },
      ['fault topic.leaders'],
    ],
    ['a group without a coordinator', { group: 'no coordinator' }, ['fault group.coordinator']],
    [
      'a dead-letter topic that is not there',
      {
        deadLetters: deadLetterFault({ brokers: ['k:9092'] }, 'd', { errorCode: 3, operations: 0 }),
      },
      ['fault rights.dead-letters'],
    ],
    [
      'a dead-letter topic that may only be described',
      {
        deadLetters: deadLetterFault({ brokers: ['k:9092'] }, 'd', {
          errorCode: 0,
          operations: bits('describe'),
        }),
      },
      ['fault rights.dead-letters'],
    ],
    [
      'a user that may read, and no more',
      {
        topic: {
          errorCode: 0,
          partitions: [{ partition: 0, leader: 1, replicas: 3, inSync: 3 }],
          operations: bits('read'),
        },
        group: { errorCode: 0, state: 'Empty', members: 0, operations: bits('describe') },
      },
      ['fault rights.topic', 'warning rights.produce', 'fault rights.group'],
    ],
    [
      'what may not be asked',
      { brokerConfig: undefined, topicConfig: undefined, topic: undefined, group: undefined },
      [
        'unknown kafka.settings',
        'unknown topic.settings',
        'unknown rights.topic',
        'unknown rights.group',
      ],
    ],
  ])('%s', (_, facts, expected) => {
    expect(faultsOf(facts)).toEqual(expected);
  });

  test('clocks: what the question itself cost does not count', () => {
    const statuses = (clickhouseSkewMs: number | undefined, skewMs: number, unsureMs: number) =>
      clockFindings({ leaseMs: 60_000, clickhouseSkewMs, kafka: { skewMs, unsureMs } }).map(
        ({ status }) => status,
      );
    expect(statuses(20, -40, 10)).toEqual(['ok', 'ok']);
    expect(statuses(undefined, 3_000, 2_500)).toEqual(['unknown', 'ok']);
    expect(statuses(-5_000, 7_200_000, 10)).toEqual(['warning', 'fault']);
  });
});

describe('R-DLV-06: readiness and lag', () => {
  const facts = {
    joined: true,
    stopping: false,
    kafkaProblem: undefined,
    clickhouseProblem: undefined,
    pendingMigrations: [],
  };

  test('names everything that is not ready', () => {
    expect(readiness(facts).ready).toBe(true);
    const answer = readiness({
      ...facts,
      joined: false,
      kafkaProblem: 'no answer',
      pendingMigrations: ['0002_more.sql'],
    });
    expect(answer.ready).toBe(false);
    const problem = 'is joining the group, or taking partitions over';
    expect(answer.checks.assigned).toEqual({ ok: false, problem });
    expect(answer.checks.kafka.problem).toBe('no answer');
    expect(answer.checks.clickhouse.ok).toBe(true);
    expect(answer.checks.migrations.problem).toContain('0002_more.sql');
    expect(readiness({ ...facts, stopping: true }).checks.assigned.problem).toBe('is stopping');
    expect(readiness({ ...facts, pendingMigrations: undefined }).ready).toBe(false);
  });

  test('a paused partition hears of nothing new, so the broker is asked', () => {
    const at = { partition: 0, committed: 100, high: 100, oldestMs: undefined };
    expect(lagOffsets(at, 0)).toBe(0);
    expect(lagOffsets(at, 250)).toBe(150);
  });

  test('seconds: by the oldest message in memory, else since it was seen behind', () => {
    const clock = new LagClock();
    const idle = { partition: 0, committed: 100, high: 100, oldestMs: undefined };
    expect(clock.lagSeconds(idle, 100, 1_000)).toBe(0);
    expect(clock.lagSeconds(idle, 101, 2_000)).toBe(0);
    expect(clock.lagSeconds(idle, 105, 9_500)).toBe(7.5);
    expect(clock.lagSeconds({ ...idle, oldestMs: 1_500 }, 105, 9_500)).toBe(8);
    // It goes on, so the next offset has waited only since now.
    expect(clock.lagSeconds({ ...idle, committed: 104 }, 105, 12_000)).toBe(0);
    // A producer's clock may be ahead.
    expect(clock.lagSeconds({ ...idle, oldestMs: 99_000 }, 105, 12_000)).toBe(0);
  });
});
