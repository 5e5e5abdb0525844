import type {} from 'vitest';
import type { LedgerMatchers } from './matchers.ts';

/** The types of `ledgerMatchers` on vitest's `expect`: import this file for its effect. */
declare module 'vitest' {
  interface Matchers<T> extends LedgerMatchers<void> {}
}
