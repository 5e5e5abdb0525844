import { againstHistory, historyThresholds } from '../detection/against-history.ts';
import { defineDetector } from '../detection/detector.ts';

export const massDeletion = defineDetector({
  name: 'mass-deletion',
  title: 'An actor deletes in masses',
  statistic:
    "deletions of an hour that went through: a fixed floor, and above what the actor's own history has",
  source: 'MITRE ATT&CK T1485 (data destruction)',
  historyDays: 28,
  needsDays: 0,
  scope: 'tenant',
  thresholds: historyThresholds({ atLeast: 25, daysKnown: 0 }),
  query: againstHistory(
    { type: 'actor_type', id: 'actor_id', field: 'actor' },
    "operation = 'delete' AND outcome IN ('success', 'unknown')",
    [
      ['operation', 'delete'],
      ['outcome', 'success'],
      ['outcome', 'unknown'],
    ],
  ),
  words: {
    what: '{subject_type}/{subject_id} deleted {observed} times in an hour',
    why: 'usually {expected} in an hour with deletions, at most {highest}; deletions on {days} days before',
  },
});
