import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deadLetterOf } from '../../consumers/quarantine/dead-letters.ts';
import {
  encodeQuarantine,
  quarantinedMessage,
  type Rejection,
} from '../../consumers/quarantine.ts';
import { batchOf, message, ORIGIN } from './messages.ts';

const REJECTION: Rejection = { reason: 'tombstone', error: 'the message has no value' };

it('a message of any timestamp can be quarantined and mirrored, at a date that both write alike (R-DLV-02)', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (timestamp) => {
      const { rows } = batchOf([message(0, '', { timestamp: String(timestamp) })]);
      for (const row of rows) {
        const quarantined = quarantinedMessage(row, REJECTION);
        expect(() => [...encodeQuarantine([quarantined], ORIGIN, 0)]).not.toThrow();
        const date = new Date(quarantined.timestamp).toISOString();
        expect(date).toMatch(/^\d{4}-/);
        expect(new Date(deadLetterOf(row, REJECTION).timestamp).toISOString()).toBe(date);
      }
      expect(rows).toHaveLength(1);
    }),
  );
});
