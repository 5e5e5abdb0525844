import { againstHistory, historyThresholds } from '../detection/against-history.ts';
import { defineDetector } from '../detection/detector.ts';

export const actorVolume = defineDetector({
  name: 'actor-volume',
  title: 'An actor does far more than ever',
  statistic:
    "events of an hour against the median and MAD of the actor's active hours, and against the second highest of them",
  source: 'Iglewicz and Hoaglin (1993), modified z-score; MITRE ATT&CK T1078 (valid accounts)',
  historyDays: 28,
  needsDays: 7,
  scope: 'tenant',
  thresholds: historyThresholds({ atLeast: 30, daysKnown: 5 }),
  query: againstHistory({ type: 'actor_type', id: 'actor_id', field: 'actor' }),
  words: {
    what: '{subject_type}/{subject_id} did {observed} events in an hour',
    why: 'usually {expected} an hour, at most {highest} on {days} days; z-score {z_score}',
  },
});
