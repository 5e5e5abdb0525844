import { InvalidArgumentError } from 'commander';

/** What a worker may say of a message; docs/delivery.md has the same table. */
const REASONS: readonly string[] = [
  'tombstone',
  'too_large',
  'unreadable',
  'not_json',
  'not_one_object',
  'duplicate_keys',
  'forged',
  'future_version',
  'invalid',
  'expired',
  'duplicate',
  'refused',
  'accepted_loss',
];

/** What narrows a selection. */
export interface Filters {
  readonly fault?: readonly string[];
  readonly topic?: string;
  readonly partition?: number;
  readonly since?: string;
  readonly until?: string;
}

/** For an option that is given several times, or once with commas. */
export function faults(text: string, before: readonly string[] = []): string[] {
  const named = text.split(',').map((one) => one.trim());
  const unknown = named.find((one) => !REASONS.includes(one));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`It is one or more of ${REASONS.join(', ')}.`);
  }
  return [...before, ...named];
}

/** A whole number of an option. */
export const wholeNumber =
  (most: number, least = 0) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d{1,12}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
