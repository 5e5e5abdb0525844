import { describe, expect, it } from 'vitest';
import { encodeIdle, encodeIntent, type Intent } from '../../consumers/intent.ts';
import type { AssignedPartition } from '../../consumers/group-member.ts';
import { type AcceptedLoss, type Holdings, startPosition } from '../../consumers/start-position.ts';
import type { WorkerError } from '../../consumers/worker-error.ts';
import { TOPIC_ID } from './messages.ts';

const OTHER_ID = '0c8d7f8e-0000-4000-8000-000000000002';
const intent: Intent = { topicId: TOPIC_ID, first: 50, last: 59, rows: 10, hash: 'h', bad: [51] };

const start = (
  assigned: Partial<AssignedPartition>,
  accept: AcceptedLoss = 'none',
  holdings: Holdings = { highWater: 49, former: undefined },
) =>
  startPosition(
    { partition: 2, committed: 50, metadata: null, low: 0, high: 100, ...assigned },
    'audit.events',
    TOPIC_ID,
    accept,
    holdings,
  );

function refusal(
  assigned: Partial<AssignedPartition>,
  accept: AcceptedLoss = 'none',
  holdings?: Holdings,
): WorkerError {
  try {
    start(assigned, accept, holdings);
  } catch (error) {
    return error as WorkerError;
  }
  throw new Error('It went on');
}

describe('from where a partition is read (R-DLV-01)', () => {
  it.each([
    [
      'the first offset there is, when nothing was ever committed',
      { committed: undefined, low: 7 },
      7,
    ],
    ['the committed offset', {}, 50],
    ['the committed offset, with our mark between batches', { metadata: encodeIdle(TOPIC_ID) }, 50],
    ['the committed offset, set by hand', { metadata: '' }, 50],
    [
      'the committed offset at the very end',
      { committed: 100, metadata: encodeIdle(TOPIC_ID) },
      100,
    ],
    ['the committed offset at the very beginning', { committed: 7, low: 7 }, 7],
  ])('is %s', (_, assigned, from) => {
    expect(start(assigned)).toEqual({ from, intent: null, accusations: 0 });
  });

  it('is the first offset of the intent, which is taken over', () => {
    expect(start({ metadata: encodeIntent(intent) })).toEqual({ from: 50, intent, accusations: 0 });
  });
});

describe('what would lose events in silence is left to the operator', () => {
  it.each([
    ['a later version’s note', { metadata: '{"v":2}' }, 'DELIVERY_HALTED'],
    ['another program’s note', { metadata: 'sarama' }, 'DELIVERY_HALTED'],
    ['a topic that was made again', { metadata: encodeIdle(OTHER_ID) }, 'KAFKA_TOPIC_RECREATED'],
    [
      'a topic that was made again under an intent',
      { metadata: encodeIntent({ ...intent, topicId: OTHER_ID }) },
      'KAFKA_TOPIC_RECREATED',
    ],
    ['a log shorter than what was committed', { high: 49 }, 'KAFKA_OFFSETS_LOST'],
    ['retention that was faster', { low: 51 }, 'KAFKA_OFFSETS_LOST'],
    [
      'retention that was faster than an intent',
      { low: 55, metadata: encodeIntent(intent) },
      'KAFKA_OFFSETS_LOST',
    ],
  ])('%s', (_, assigned, code) => {
    const error = refusal(assigned);
    expect(error).toMatchObject({ name: 'WorkerError', code });
    expect(error.message).toContain('partition 2');
    expect(error.hint).toBeTruthy();
  });

  it('goes on over what retention took, and says what is lost', () => {
    const lost = { from: 55, intent: null, lost: { first: 50, last: 54 } };
    expect(start({ low: 55 }, 'retention')).toMatchObject(lost);
    expect(start({ low: 55, metadata: encodeIntent(intent) }, 'retention')).toMatchObject(lost);
  });

  it('goes on with the new topic from its first offset, and says which log has lost what', () => {
    expect(start({ metadata: encodeIdle(OTHER_ID), low: 3 }, 'recreated')).toMatchObject({
      from: 3,
      intent: null,
      lost: { topicId: OTHER_ID, first: 50 },
    });
  });

  it('accepts no other loss than the one that was named', () => {
    expect(refusal({ low: 51 }, 'recreated').code).toBe('KAFKA_OFFSETS_LOST');
    // New messages would get offsets that the ledger has rows for: no flag makes that safe.
    expect(refusal({ high: 49 }, 'recreated').code).toBe('KAFKA_OFFSETS_LOST');
    expect(refusal({ metadata: encodeIdle(OTHER_ID) }, 'retention').code).toBe(
      'KAFKA_TOPIC_RECREATED',
    );
    expect(refusal({ metadata: '{"v":2}' }, 'recreated').code).toBe('DELIVERY_HALTED');
  });

  it('changes nothing where nothing is lost', () => {
    for (const accept of ['retention', 'recreated'] as const) {
      expect(start({ metadata: encodeIntent(intent) }, accept)).toEqual({
        from: 50,
        intent,
        accusations: 0,
      });
    }
  });
});

describe('an offset that nobody vouches for: expired, set by hand, or gone with its topic', () => {
  const never = { committed: undefined };
  const nothing = { highWater: -1, former: undefined };

  it.each([
    ['a first start begins where Kafka does', { ...never, low: 7 }, nothing, 7],
    ['expired: from the first offset there is; what is stored is looked up', never, undefined, 0],
    ['expired, and retention went up to what is stored', { ...never, low: 50 }, undefined, 50],
    ['set back by hand', { committed: 10 }, undefined, 10],
    ['set forward by hand: what is not stored is not skipped', { committed: 90 }, undefined, 50],
    ['set by hand for a ledger that holds nothing', { committed: 90 }, nothing, 0],
    ['set below what Kafka holds, and stored', { committed: 10, low: 40 }, undefined, 40],
  ])('%s', (_, assigned, holdings, from) => {
    expect(start(assigned, 'none', holdings)).toEqual({ from, intent: null, accusations: 0 });
  });

  it.each([
    ['retention went past what is stored', { ...never, low: 60 }, undefined],
    ['the log ends before what is stored', never, { highWater: 100, former: undefined }],
  ])('%s: that is lost', (_, assigned, holdings) => {
    expect(refusal(assigned, 'none', holdings).code).toBe('KAFKA_OFFSETS_LOST');
  });

  it('its topic was deleted with it and made again, as the ledger knows', () => {
    const former = { topicId: OTHER_ID, last: 41 };
    const holdings = { highWater: -1, former };
    expect(refusal(never, 'none', holdings).code).toBe('KAFKA_TOPIC_RECREATED');
    expect(start(never, 'recreated', holdings)).toMatchObject({
      from: 0,
      lost: { topicId: OTHER_ID, first: 42, last: 42 },
    });
    // Something of the new topic is stored: that it is new has been accepted before.
    expect(start(never, 'none', { highWater: 3, former })).toEqual({
      from: 0,
      intent: null,
      accusations: 0,
    });
  });
});
