import type { Match } from '../../schemas/index.ts';
import { covers } from './patterns.ts';

/** One of the parts of a match, each a list of words or patterns; absent: everything. */
const FACTS = [
  (match: Match) => match.severity,
  (match: Match) => match.tenant,
  (match: Match) => match.actor?.type,
  (match: Match) => match.actor?.id,
  (match: Match) => match.target?.type,
  (match: Match) => match.service,
] as const;

const KIND = [
  (match: Match) => match.category,
  (match: Match) => match.type,
  (match: Match) => match.operation,
  (match: Match) => match.outcome,
] as const;

const coversEach = (
  parts: readonly ((match: Match) => readonly string[] | undefined)[],
  wide: Match,
  narrow: Match,
): boolean =>
  parts.every((part) => {
    const patterns = part(wide);
    return patterns === undefined || covers(patterns, part(narrow) ?? ['*']);
  });

/** Whether `wide` matches all that `narrow` matches of events of one kind. May miss some. */
export const coversFacts = (wide: Match, narrow: Match): boolean => coversEach(FACTS, wide, narrow);

/** Whether `wide` matches all that `narrow` matches, of whatever kind. May miss some. */
export const coversWhole = (wide: Match, narrow: Match): boolean =>
  coversFacts(wide, narrow) && coversEach(KIND, wide, narrow);
