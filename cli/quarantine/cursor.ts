import type { PagePlace } from '../../consumers/index.ts';
import { UsageError } from '../failure.ts';

/** Where a page ended, as text to paste. */
export const cursorOf = ({ quarantinedAtMs, topicId, partition, offset }: PagePlace): string =>
  Buffer.from(JSON.stringify([quarantinedAtMs, topicId, partition, offset])).toString('base64url');

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws UsageError */
export function placeOf(cursor: string): PagePlace {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const [quarantinedAtMs, topicId, partition, offset] = read as unknown[];
    const numbers = [quarantinedAtMs, partition, offset];
    if (numbers.every(Number.isSafeInteger) && typeof topicId === 'string' && UUID.test(topicId)) {
      return {
        quarantinedAtMs: Number(quarantinedAtMs),
        topicId,
        partition: Number(partition),
        offset: Number(offset),
      };
    }
  } catch {
    // Said below.
  }
  throw new UsageError('--after is no place to go on from.', 'Paste what the page before printed.');
}
