/**
 * R-DLV-02 after a crash: the intent names the offsets that go to quarantine, not why. The next owner finds the
 * reason again, and keeps the body of whatever is not in the ledger.
 */
import { expect, it } from 'vitest';
import { PartitionRunner } from '../../consumers/partition-runner.ts';
import type { QuarantinedMessage } from '../../consumers/quarantine.ts';
import { until } from '../support/until.ts';
import { batchOf, message, ORIGIN, TOPIC_ID, WIRE_ROW } from './messages.ts';
import { runnerOver } from './runner-over.ts';

const ELSEWHERE = { topicId: TOPIC_ID, partition: ORIGIN.partition, offset: 1 };
const again = { headers: { 'll-dup': '1' } };

/** What an owner quarantines that finds this one message named as bad; `held`: the ledger has its event. */
async function recovered(
  it: ReturnType<typeof message>,
  held: boolean,
): Promise<QuarantinedMessage | undefined> {
  const quarantined: QuarantinedMessage[] = [];
  const { context } = runnerOver({
    highWater: () => Promise.resolve(-1),
    settled: () => Promise.resolve(new Set([5])),
    quarantined: () => Promise.resolve(new Set(quarantined.map(({ offset }) => offset))),
    quarantine: (messages: readonly QuarantinedMessage[]) => {
      quarantined.push(...messages);
      return Promise.resolve();
    },
    find: (ids: readonly string[]) =>
      Promise.resolve(new Map(held ? ids.map((id) => [id, [ELSEWHERE]]) : [])),
  });
  const messages = [message(5, '{}'), it];
  const { first, last, rows, hash } = batchOf(messages);
  const intent = { topicId: TOPIC_ID, first, last, rows: rows.length, hash, bad: [last] };
  const session = { generationId: 2, memberId: 'next owner' };
  const runner = new PartitionRunner(
    context,
    session,
    ORIGIN,
    { from: first, intent, accusations: 0 },
    last + 1,
  );
  runner.receive(first, last, messages, last + 1);
  await until(
    'the batch is committed',
    () => Promise.resolve(runner.figures.lag),
    (lag) => lag === 0,
  );
  runner.end();
  return quarantined[0];
}

const healthy = JSON.stringify({ ...WIRE_ROW, occurred_at: new Date().toISOString() });

it.each([
  ['a repeat of what is stored', message(6, healthy, again), true, 'duplicate', ''],
  ['a repeat of what is not', message(6, healthy, again), false, 'refused', healthy],
  ['what only the engine refused', message(6, healthy), false, 'refused', healthy],
  ['what we refuse too, a repeat', message(6, '{}', again), false, 'invalid', '{}'],
  ['no object', message(6, 'hello', again), false, 'not_json', 'hello'],
])('%s is quarantined as what it is (R-DLV-02)', async (_, bad, held, reason, body) => {
  const found = await recovered(bad, held);
  expect({ reason: found?.reason, body: found?.message.toString() }).toEqual({ reason, body });
});
