import { describe, expect, it } from 'vitest';
import type { KnownEvent, TimeSpan } from '../../consumers/ledger-sink.ts';
import { findRepeats } from '../../consumers/repeats.ts';
import { batchOf, message, ORIGIN, TOPIC_ID } from './messages.ts';

const id = (n: number): string => `01936b2a-7e1c-7cc3-98c4-${String(n).padStart(12, '0')}`;
const again = { headers: { 'll-dup': '1' } };
const event = (n: number): string =>
  JSON.stringify({ event_id: id(n), occurred_at: '2026-11-22T10:00:00Z' });

/** A ledger that holds these events; it remembers what it was asked. */
function ledger(held: Readonly<Record<string, KnownEvent[]>> = {}) {
  const asked: string[] = [];
  const askedAtAnyTime: string[] = [];
  return {
    asked,
    askedAtAnyTime,
    find: (ids: readonly string[], span?: TimeSpan) => {
      (span ? asked : askedAtAnyTime).push(...ids);
      return Promise.resolve(
        new Map(ids.flatMap((one) => (held[one] ? [[one, held[one]] as const] : []))),
      );
    },
  };
}

const at = (offset: number, more: Partial<KnownEvent> = {}): KnownEvent => ({
  topicId: TOPIC_ID,
  partition: ORIGIN.partition,
  offset,
  ...more,
});

async function repeatsIn(
  messages: Parameters<typeof batchOf>[0],
  its: ReturnType<typeof ledger>,
): Promise<number[]> {
  const found = await findRepeats(batchOf(messages).rows, ORIGIN, its);
  for (const rejection of found.values()) expect(rejection.reason).toBe('duplicate');
  return [...found.keys()];
}

describe('messages that may have been sent before (R-DLV-01)', () => {
  it('asks only after those that say so', async () => {
    const its = ledger();
    expect(await repeatsIn([message(5, event(1)), message(6, event(2), again)], its)).toEqual([]);
    expect(its.asked).toEqual([id(2)]);
  });

  it.each([
    ['at another offset', at(1)],
    ['in another partition', at(5, { partition: 0 })],
    ['in a topic that was made again', at(5, { topicId: id(9) })],
  ])('knows one that is stored %s', async (_, known) => {
    const its = ledger({ [id(1)]: [known] });
    expect(await repeatsIn([message(5, event(1), again)], its)).toEqual([5]);
  });

  it('is not taken in by itself: the same offset, read again', async () => {
    const its = ledger({ [id(1)]: [at(5)] });
    expect(await repeatsIn([message(5, event(1), again)], its)).toEqual([]);
  });

  it('knows one that is stored both here and elsewhere', async () => {
    const its = ledger({ [id(1)]: [at(5), at(1)] });
    expect(await repeatsIn([message(5, event(1), again)], its)).toEqual([5]);
  });

  it('takes the first of those in one batch, also after one that never said so', async () => {
    const messages = [
      message(5, event(1), again),
      message(6, event(1), again),
      message(7, event(2)),
      message(8, event(2), again),
    ];
    expect(await repeatsIn(messages, ledger())).toEqual([6, 8]);
  });

  it('looks a replay up whenever it happened: a transform may have changed its time', async () => {
    const its = ledger({ [id(1)]: [at(1)] });
    const replay = { headers: { 'll-dup': '1', 'll-replay-of': 'audit.events/3@1' } };
    const messages = [message(5, event(1), replay), message(6, event(2), again)];
    expect(await repeatsIn(messages, its)).toEqual([5]);
    expect(its.askedAtAnyTime).toEqual([id(1)]);
    expect(its.asked).toEqual([id(2)]);
  });

  it('does not mind how the id is written', async () => {
    const upper = event(1).replace(id(1), id(1).toUpperCase());
    const its = ledger({ [id(1)]: [at(1)] });
    expect(await repeatsIn([message(5, upper, again)], its)).toEqual([5]);
  });

  it('leaves those alone that have no id it could read: judging them is for later', async () => {
    const its = ledger();
    const odd = ['{}', '{"event_id":5}', '{"event_id":"x"}', '{"event_id":', '[]', '{"a":1}{}'];
    const messages = odd.map((text, index) => message(index, text, again));
    expect(await repeatsIn(messages, its)).toEqual([]);
    expect(its.asked).toEqual([]);
  });
});
