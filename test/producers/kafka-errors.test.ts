import { describe, expect, test } from 'vitest';
import { classify, explain } from '../../producers/kafka-errors.ts';

/** As kafkajs throws what a broker answered: wrapped once, or not. */
const answered = (type: string): Error => {
  const answer = Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type });
  return new Error('the client gave up', { cause: answer });
};
const where = { brokers: ['kafka:9092'], topic: 'audit.events' };

describe('R-EDGE-08: what Kafka answers', () => {
  test.each([
    ['MESSAGE_TOO_LARGE', 'refused', 'EVENT_TOO_LARGE', false],
    ['RECORD_LIST_TOO_LARGE', 'refused', 'EVENT_TOO_LARGE', false],
    ['INVALID_RECORD', 'refused', 'KAFKA_REFUSED', false],
    // These pass when somebody puts them right: events wait, in memory or on disk.
    ['TOPIC_AUTHORIZATION_FAILED', 'partition', 'KAFKA_REFUSED', true],
    ['CLUSTER_AUTHORIZATION_FAILED', 'partition', 'KAFKA_REFUSED', true],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'partition', 'KAFKA_REFUSED', true],
  ] as const)('%s', (type, kind, code, retryable) => {
    expect(classify(answered(type))).toEqual({ kind, repeatable: true });
    const error = explain(answered(type), where);
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toContain('kafka:9092');
  });

  test('no answer at all is an outage', () => {
    expect(classify(new Error('ECONNREFUSED'))).toEqual({ kind: 'connection', repeatable: true });
    expect(explain(new Error('ECONNREFUSED'), where)).toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      retryable: true,
    });
  });
});
