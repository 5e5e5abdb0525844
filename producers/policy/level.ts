import type { Level, Operation, Outcome } from '../../schemas/index.ts';

/**
 * Whether a level lets an event through. What was denied passes every level, since a refused read
 * is a security event; a read that merely failed is still a read.
 */
export function passesLevel(level: Level, operation: Operation, outcome: Outcome): boolean {
  if (outcome === 'denied') return true;
  switch (level) {
    case 'all':
      return true;
    case 'writes_only':
      return operation !== 'read';
    case 'mutations_only':
      return operation === 'update' || operation === 'delete';
    case 'deletes_only':
      return operation === 'delete';
    case 'failures_only':
      return outcome === 'failure';
  }
}
