/** R-DLV-05: what explains an absent number, and what does not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { account, type Sequence } from '../../consumers/verify/account.ts';
import { delivered } from '../../consumers/verify/transactions.ts';
import { commentOf, readComment, type RebuildRecord } from '../../consumers/rebuild/record.ts';

const now = Date.parse('2026-11-23T10:00:00Z');
const report = (data: unknown, before?: unknown, minutesAgo = 1) => ({
  atMs: now - minutesAgo * 60_000,
  data: JSON.stringify(data),
  before: before === undefined ? '' : JSON.stringify(before),
});
const sequence = (absent: number, reported?: Sequence['report']): Sequence => ({
  producerId: '01900000-0000-7000-8000-000000000001',
  service: 'panel',
  base: 0,
  last: 100,
  absent,
  report: reported,
});
const accountFor = (one: Sequence, notConsumed = 0) => account([one], { nowMs: now, notConsumed });

describe('R-DLV-05: an absent sequence number', () => {
  it('is explained by causes that spend a number, not by those that never had one', () => {
    const notStored = { app: { queue_full: 2, level: 50 }, gateway: { queue_full: 1, invalid: 9 } };
    const found = accountFor(sequence(5, report({ occasion: 'interval', pending: 0, notStored })));
    expect(found).toMatchObject({ lost: { queue_full: 3 }, unexplained: 2 });
  });

  it('is explained by what was reported since, not by what had been reported before', () => {
    const of = (queue_full: number) => ({
      occasion: 'interval',
      pending: 0,
      notStored: { a: { queue_full } },
    });
    expect(accountFor(sequence(5, report(of(7), of(4))))).toMatchObject({ unexplained: 2 });
  });

  it('may be with a producer that is alive, or in the spool of one that has closed; a dead one holds nothing', () => {
    const pending = (occasion: string, minutesAgo: number) =>
      accountFor(sequence(4, report({ occasion, pending: 3 }, undefined, minutesAgo)));
    expect(pending('interval', 1)).toMatchObject({ pending: 3, unexplained: 1 });
    expect(pending('close', 600)).toMatchObject({ pending: 3, unexplained: 1 });
    expect(pending('interval', 600)).toMatchObject({ pending: 0, unexplained: 4 });
  });

  it('is accounted for once, whatever a report says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(50), fc.json()), { maxLength: 5 }),
        fc.nat(60),
        (absences, notConsumed) => {
          const sequences = absences.map(([absent, data]) =>
            sequence(absent, { atMs: now, data, before: data }),
          );
          const { lost, ...rest } = account(sequences, { nowMs: now, notConsumed });
          const explained = Object.values(lost).reduce((sum, count) => sum + count, 0);
          const total = absences.reduce((sum, [absent]) => sum + absent, 0);
          expect(explained + rest.pending + rest.undecided + rest.unexplained).toBe(total);
        },
      ),
    );
  });
});

describe('R-DLV-05: the records of a fetch', () => {
  const record = (offset: number, producerId: string, more: object = {}) => ({
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: Buffer.from('{}'),
    batchContext: { producerId, inTransaction: true },
    ...more,
  });
  const ends = (offset: number, producerId: string, abort: boolean) =>
    record(offset, producerId, {
      isControlRecord: true,
      key: Buffer.from([0, 0, 0, abort ? 0 : 1]),
    });

  it('are messages but for control records and what was aborted, of interleaved producers too', () => {
    const records = [
      record(0, 'a'),
      record(1, 'b'),
      ends(2, 'a', true),
      record(3, 'a'),
      ends(4, 'b', true),
      ends(5, 'a', false),
    ];
    const aborted = [
      { producerId: 'b', firstOffset: '1' },
      { producerId: 'a', firstOffset: '0' },
    ];
    expect(delivered(records, aborted).map(({ offset }) => offset)).toEqual(['3']);
  });
});

describe('R-DLV-06: what a rebuild remembers', () => {
  it('stands in the comment of its table, and nothing else is taken for it', () => {
    const record: RebuildRecord = {
      kind: 'rebuild',
      table: 'events_2',
      topic: 'audit.events',
      topicId: '0c8d7f8e-1111-4222-8333-444455556666',
      group: 'ledgerline.rebuild.events_2',
      workers: 'ledgerline',
      starts: [0, 17],
      startedAt: '2026-11-23T10:00:00.000Z',
      step: 'fenced',
      fence: {
        partitions: [{ partition: 0, offset: 5, metadata: '{"v":1,"topicId":"it\'s"}' }],
        at: '2026-11-23T11:00:00.000Z',
      },
    };
    expect(readComment(commentOf(record))).toEqual(record);
    expect(readComment('the ledger')).toBeUndefined();
    expect(readComment('ledgerline:{"kind":"rebuild"}')).toBeUndefined();
    expect(readComment('ledgerline:{')).toBeUndefined();
  });
});
