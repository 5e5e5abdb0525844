import { againstHistory, historyThresholds } from '../detection/against-history.ts';
import { defineDetector } from '../detection/detector.ts';

export const massExport = defineDetector({
  name: 'mass-export',
  title: 'An actor takes out data or secrets in masses',
  statistic:
    "exports, and reads of secrets, of an hour: a fixed floor, and above what the actor's own history has",
  source: 'MITRE ATT&CK T1530 (data from cloud storage), T1555.006 (cloud secrets)',
  historyDays: 28,
  needsDays: 0,
  scope: 'tenant',
  thresholds: {
    ...historyThresholds({ atLeast: 15, daysKnown: 0 }),
    types: {
      type: 'Array(String)',
      value: [
        '%.secret.read',
        '%.secret.revealed',
        'aws.secretsmanager.GetSecretValue',
        'aws.secretsmanager.BatchGetSecretValue',
        'aws.ssm.GetParameter',
        'aws.ssm.GetParameters',
        'aws.ssm.GetParametersByPath',
        'aws.ec2.GetPasswordData',
      ],
      says: 'types (as LIKE has them) that take something out though they only read',
    },
  },
  query: againstHistory(
    { type: 'actor_type', id: 'actor_id', field: 'actor' },
    "(operation = 'export' OR arrayExists(pattern -> event_type LIKE pattern, {types:Array(String)})) AND outcome != 'denied'",
  ),
  words: {
    what: '{subject_type}/{subject_id} took out data or secrets {observed} times in an hour',
    why: 'usually {expected} in an hour with any, at most {highest}; on {days} days before',
  },
});
