import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMessageId, parseMessageId } from '../../../consumers/quarantine/message-id.ts';
import { TOPIC_ID } from '../messages.ts';

describe("a quarantined message's id", () => {
  it('reads back as it was printed, with or without the start of the topic id', () => {
    const topic = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/);
    const partition = fc.nat({ max: 0x7fffffff });
    const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(topic, partition, offset, (name, at, where) => {
        const position = { topic: name, topicId: TOPIC_ID, partition: at, offset: where };
        const plain = { topic: name, partition: at, offset: where };
        expect(parseMessageId(formatMessageId(position))).toEqual(plain);
        expect(parseMessageId(formatMessageId(position, true))).toEqual({
          ...plain,
          topicIdStart: TOPIC_ID.slice(0, 8),
        });
      }),
    );
  });

  it.each([
    'bogus',
    'a/1',
    'a@1',
    'a/x@1',
    'a/-1@1',
    'a/1@1.5',
    '/1@1',
    'a/99999999999@1',
    'a/1@99999999999999999',
    'a/1@1#xyz',
    'a b/1@1',
    "a/1@1' OR 1=1",
    'a/1@1\n',
  ])('is not %j', (text) => {
    expect(() => parseMessageId(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
    );
  });
});
