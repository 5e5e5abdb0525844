import { describe, expect, test } from 'vitest';
import {
  COLUMNS,
  encodeRow,
  INSERT_COLUMNS,
  messageKey,
  wireRowSchema,
} from '../../schemas/index.ts';
import { BARE, WHOLE } from './event-fixture.ts';

const row = JSON.parse(encodeRow(WHOLE).toString()) as Record<string, unknown>;
const issuesOf = (value: unknown): readonly { code: string }[] =>
  wireRowSchema.safeParse(value).error?.issues ?? [];

describe('the one table of columns', () => {
  test('the INSERT list is the producer’s columns, the worker’s, the lease last', () => {
    const written = COLUMNS.filter(({ source }) => source !== 'table').map(({ name }) => name);
    expect([...INSERT_COLUMNS].toSorted()).toEqual(written.toSorted());
    expect(INSERT_COLUMNS.slice(-6)).toEqual([
      'kafka_topic',
      'kafka_topic_id',
      'kafka_partition',
      'kafka_offset',
      'kafka_timestamp',
      'lease',
    ]);
  });

  test.each(COLUMNS.filter(({ required }) => required).map(({ name }) => [name]))(
    'a row without %s is refused',
    (name) => {
      const { [name]: _, ...rest } = row;
      expect(issuesOf(rest)).toHaveLength(1);
    },
  );

  test('a key that is no column is told apart from a malformed one', () => {
    expect(issuesOf({ ...row, shoe_size: 43 })).toMatchObject([{ code: 'unrecognized_keys' }]);
    expect(issuesOf({ ...row, kafka_offset: 1 })).toMatchObject([{ code: 'unrecognized_keys' }]);
  });

  test.each<[string, unknown]>([
    ['event_id', 'x'],
    ['occurred_at', '2026-02-30T10:00:00.000000Z'],
    ['occurred_at', '2526-02-01T10:00:00.000000Z'],
    ['occurred_at', '2026-02-01T10:00:00+01:00'],
    ['operation', 'peek'],
    ['source_ip', '10.0.0.1'],
    ['weight', 0],
    ['weight', 0.5],
    ['weight', Infinity],
    ['producer_seq', 1.5],
    ['data', '{}'],
    ['actor_id', ''],
    ['message', null],
    ['related', [{ role: 'parent', type: 'app', id: '1', extra: 1 }]],
    ['attributes', { a: 1 }],
  ])('%s may not be %j', (name, value) => {
    expect(issuesOf({ ...row, [name]: value })).not.toHaveLength(0);
  });

  test('a target’s events share a key; without a target the actor’s do', () => {
    expect(messageKey(WHOLE)).toBe('tenant-17/env_var/env_8842');
    expect(messageKey(BARE)).toBe('default/system/cron');
    const actor = { type: 'system', id: 'c\0n' };
    expect(messageKey({ ...BARE, actor })).toBe('default/system/c\ufffdn');
  });
});
