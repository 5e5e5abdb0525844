import { againstHistory, historyThresholds } from '../detection/against-history.ts';
import { defineDetector } from '../detection/detector.ts';

export const typeVolume = defineDetector({
  name: 'type-volume',
  title: 'A type of event is far more frequent than ever',
  statistic:
    "events of an hour against the median and MAD of the type's active hours, and against the second highest of them",
  source: 'Iglewicz and Hoaglin (1993), modified z-score',
  historyDays: 28,
  needsDays: 7,
  scope: 'tenant',
  thresholds: historyThresholds({ atLeast: 50, daysKnown: 5 }),
  query: againstHistory({ type: "'event_type'", id: 'event_type', field: 'type' }),
  words: {
    what: '{subject_id} happened {observed} times in an hour',
    why: 'usually {expected} an hour, at most {highest} on {days} days; z-score {z_score}',
  },
});
