import type { Facts } from './decision.ts';
import { murmur3 } from './murmur3.ts';

const HASHES = 2 ** 32;

/**
 * What an event is sampled by: its correlation id, else its trace id (32 lower-case hexadecimal
 * digits), else its own id. Events of one request so stay together, in every service.
 */
export function samplingKey(facts: Pick<Facts, 'correlationId' | 'traceId' | 'id'>): string {
  const { correlationId } = facts;
  if (correlationId) return correlationId;
  const { traceId } = facts;
  if (traceId) return traceId.toLowerCase();
  return facts.id;
}

/**
 * Whether what has this key is kept at a rate. Decided by the key alone: `murmur3(key) < rate · 2³²`.
 * What is kept at one rate is therefore kept at every higher one.
 */
export const isSampled = (key: string, rate: number): boolean => murmur3(key) < rate * HASHES;
