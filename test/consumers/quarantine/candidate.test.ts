import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidateOf, type Kept } from '../../../consumers/quarantine/candidate.ts';
import { eventIdOf } from '../../../consumers/quarantine/identity.ts';
import type { Standards } from '../../../consumers/quarantine/rejudge.ts';
import { TOPIC_ID, WIRE_ROW } from '../messages.ts';

const standards: Standards = {
  expiry: { nowMs: Date.parse('2026-11-23T00:00:00Z'), daysOf: () => 90 },
  maxMessageBytes: 10_000,
};
const kept = (message: string, more: Partial<Kept> = {}): Kept => ({
  topicId: TOPIC_ID,
  partition: 3,
  offset: 1042,
  reason: 'invalid',
  message: Buffer.from(message),
  headers: {},
  ...more,
});
const row = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({ ...WIRE_ROW, ...changes });
const became = (text: string) => ({ kind: 'message', bytes: Buffer.from(text) }) as const;

describe('which event a quarantined message is', () => {
  it('says the message itself, also where it is broken or in capitals', () => {
    const id = WIRE_ROW.event_id;
    expect(eventIdOf(kept(row({ weight: 'x' })))).toBe(id);
    expect(eventIdOf(kept(row().slice(0, -1)))).toBe(id);
    expect(eventIdOf(kept(row({ event_id: id.toUpperCase() })))).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'nonsense'],
    ['no id', '{}'],
    ['a nil id', row({ event_id: '00000000-0000-0000-0000-000000000000' })],
    ['a malformed id', row({ event_id: 'evt_1' })],
    ['a list', '[]'],
    ['null', 'null'],
  ])('is its position where it holds %s', (_, message) => {
    const id = eventIdOf(kept(message));
    expect(id).toBe(eventIdOf(kept('something else')));
    expect(id).not.toBe(eventIdOf(kept(message, { offset: 1043 })));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  });
});

describe('what may go back', () => {
  it('is a message that passes now, to the byte', () => {
    const message = ` ${JSON.stringify(WIRE_ROW, null, 2)}\n`;
    expect(candidateOf(kept(message), undefined, standards)).toEqual({
      kind: 'ready',
      eventId: WIRE_ROW.event_id,
      message: Buffer.from(message),
    });
  });

  it('is what a transform repaired', () => {
    const repaired = row();
    expect(candidateOf(kept(row({ weight: 0 })), became(repaired), standards)).toMatchObject({
      kind: 'ready',
      message: Buffer.from(repaired),
    });
  });

  it('is not what is still rejected, with the reason and without a value', () => {
    expect(candidateOf(kept(row({ weight: 0 })), undefined, standards)).toEqual({
      kind: 'refused',
      refusal: {
        code: 'still_rejected',
        error: expect.stringMatching(/^invalid: weight: /) as string,
      },
    });
    const large = row({ data: { a: 'x'.repeat(10_000) } });
    expect(candidateOf(kept('{}'), became(large), standards)).toMatchObject({
      refusal: { code: 'still_rejected', error: expect.stringContaining('too_large') as string },
    });
  });

  it('is not another event: the id by which a repeat is known stays', () => {
    const other = '01936b2a-7e1c-7cc3-98c4-dc0c0c073999';
    for (const message of [row(), row().slice(0, -1), 'nonsense']) {
      expect(candidateOf(kept(message), became(row({ event_id: other })), standards)).toMatchObject(
        { refusal: { code: 'event_id_changed' } },
      );
    }
    const given = eventIdOf(kept('nonsense'));
    expect(
      candidateOf(kept('nonsense'), became(row({ event_id: given })), standards),
    ).toMatchObject({ kind: 'ready', eventId: given });
  });

  it.each(['duplicate', 'accepted_loss'])('is never of reason %s', (reason) => {
    expect(candidateOf(kept('', { reason }), became(row()), standards)).toMatchObject({
      refusal: { code: 'not_replayable' },
    });
  });

  it.each(['too_large', 'unreadable'])('is never what was not unpacked: %s', (reason) => {
    expect(candidateOf(kept('', { reason }), became(row()), standards)).toMatchObject({
      refusal: { code: 'not_replayable', error: expect.stringMatching(/^never unpacked/) },
    });
    expect(candidateOf(kept(row(), { reason }), undefined, standards)).toMatchObject({
      kind: 'ready',
    });
  });

  it('is never one whose person was erased, whatever a transform makes of nothing', () => {
    const erased = kept('', { headers: { 'ledger.erased': 'x' } });
    expect(candidateOf(erased, became(row()), standards)).toMatchObject({
      refusal: { code: 'not_replayable', error: expect.stringMatching(/^erased/) },
    });
  });

  it('holds whatever transforms answer: what is ready bears the id of its message, and passes', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constant(row()), fc.constant(row({ a: 1 })));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const original = kept(before);
        const result = candidateOf(original, became(after), standards);
        if (result.kind !== 'ready') return;
        expect((JSON.parse(result.message.toString()) as typeof WIRE_ROW).event_id).toBe(
          eventIdOf(original),
        );
      }),
    );
  });
});
