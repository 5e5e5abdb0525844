import { createHash } from 'node:crypto';
import type { Policy } from '../../schemas/index.ts';

/**
 * The SHA-256, in hexadecimal, of a policy's content: of its JSON with every default filled in and
 * keys in alphabetical order. Comments, layout and the choice of YAML or JSON do not change it.
 */
export const contentHash = (policy: Policy): string =>
  createHash('sha256').update(JSON.stringify(policy, inAlphabeticalOrder)).digest('hex');

const inAlphabeticalOrder = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
