/** What the producers of a scene write down: which bytes got which offset, and what else they tried. */
import { createHash } from 'node:crypto';

export const digestOf = (value: Buffer | string | null): string =>
  createHash('sha1')
    .update(value ?? '')
    .digest('base64');

export class Sent {
  /** By `partition:offset`, the digest of every message that the broker acknowledged. */
  readonly acknowledged = new Map<string, string>();
  /** Digests of all that was ever handed to a producer: without an answer it may be stored too. */
  readonly attempted = new Set<string>();

  attempt(values: readonly (Buffer | string | null)[]): string[] {
    const digests = values.map(digestOf);
    for (const digest of digests) this.attempted.add(digest);
    return digests;
  }

  acknowledge(partition: number, offset: number, digest: string): void {
    this.acknowledged.set(`${partition}:${offset}`, digest);
  }
}
