import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { partitionOf } from '../../producers/murmur2.ts';

test("a key goes where kafkajs's default partitioner, and so Java's, would send it", () => {
  const theirs = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 64 }), (key, count) => {
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
        partitionId,
        partitionErrorCode: 0,
        leader: 0,
        replicas: [0],
        isr: [0],
      }));
      const expected = theirs({ topic: 't', partitionMetadata, message: { key, value: '' } });
      expect(partitionOf(key, count)).toBe(expected);
    }),
  );
});
