import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const protectedChange = defineDetector({
  name: 'protected-change',
  title: 'A protected setting was changed',
  statistic:
    'a change of what protects: high severity in a protected category, or a type of the list, tried or done; not where the actor does it as a matter of routine',
  source:
    'MITRE ATT&CK T1562 (impair defenses), T1098 (account manipulation), T1537 (transfer to another account); PCI DSS 4.0 10.2.1.6',
  historyDays: 28,
  needsDays: 0,
  scope: 'tenant',
  thresholds: {
    categories: {
      type: 'Array(String)',
      value: ['security', 'authorization', 'ledger'],
      says: 'categories whose updates and deletions of high and critical severity count',
    },
    types: {
      type: 'Array(String)',
      value: [
        'aws.cloudtrail.StopLogging',
        'aws.cloudtrail.DeleteTrail',
        'aws.cloudtrail.UpdateTrail',
        'aws.cloudtrail.PutEventSelectors',
        'aws.ec2.DeleteFlowLogs',
        'aws.guardduty.Delete%',
        'aws.guardduty.Disassociate%',
        'aws.config.Stop%',
        'aws.config.Delete%',
        'aws.logs.DeleteLog%',
        'aws.organizations.LeaveOrganization',
        'aws.iam.%AccountPasswordPolicy',
        'aws.iam.DeactivateMFADevice',
        'aws.iam.CreateAccessKey',
        'aws.iam.%LoginProfile',
        'aws.iam.UpdateAssumeRolePolicy',
        'aws.iam.PutUserPolicy',
        'aws.iam.AttachUserPolicy',
        'aws.kms.DisableKey',
        'aws.kms.ScheduleKeyDeletion',
        'aws.s3.PutBucketPolicy',
        'aws.s3.DeleteBucketPolicy',
        'aws.s3.PutBucketLifecycle%',
        'aws.s3.DeleteBucketEncryption',
        'aws.s3.%PublicAccessBlock',
        'aws.ec2.ModifySnapshotAttribute',
        'aws.ec2.ModifyImageAttribute',
        'aws.ec2.AuthorizeSecurityGroupIngress',
        'aws.rds.ModifyDBSnapshotAttribute',
        'aws.lambda.AddPermission%',
        'aws.rolesanywhere.CreateTrustAnchor',
      ],
      says: 'types (as LIKE has them) that count in any category, attempts that failed or were denied as well; reads never do',
    },
    routine_days: {
      type: 'Float64',
      value: 5,
      says: 'days of the history on which the actor did it, from which on it is routine',
    },
  },
  query: `
SELECT tenant_id AS tenant, actor_type AS subject_type, actor_id AS subject_id,
  toUnixTimestamp(hour) AS start, start + 3600 AS until, toString(event_type) AS key,
  round(sum(events)) AS observed, 0 AS expected,
  round({routine_days:Float64} / (1 + any(before.days)), 1) AS score,
  toString(event_type) AS type, any(outcomes) AS ended, any(before.days) AS days,
  [('actor', concat(subject_type, '/', subject_id)), ('type', type)] AS search
FROM (
  SELECT tenant_id, actor_type, actor_id, event_type, toStartOfHour(occurred_at) AS hour, sum(weight) AS events,
    arrayStringConcat(arraySort(groupUniqArray(toString(outcome))), ', ') AS outcomes
  FROM audit_events
  WHERE occurred_at >= ${FROM} AND occurred_at < ${TO} AND ${SCOPE}
    AND operation != 'read'
    AND ((category IN {categories:Array(String)} AND operation IN ('update', 'delete') AND severity IN ('high', 'critical') AND outcome IN ('success', 'unknown'))
      OR arrayExists(pattern -> event_type LIKE pattern, {types:Array(String)}))
  GROUP BY tenant_id, actor_type, actor_id, event_type, hour
) AS changed
LEFT JOIN (
  SELECT tenant_id, actor_type, actor_id, event_type, uniqExact(toDate(hour)) AS days
  FROM audit_hourly
  WHERE hour >= ${HISTORY} AND hour < ${DAY} AND ${SCOPE}
  GROUP BY tenant_id, actor_type, actor_id, event_type
) AS before USING (tenant_id, actor_type, actor_id, event_type)
GROUP BY tenant_id, actor_type, actor_id, event_type, hour
HAVING any(before.days) < {routine_days:Float64}`,
  words: {
    what: '{subject_type}/{subject_id} did {type}, {observed} times in the hour: {ended}',
    why: 'it changes what protects others; the actor did it on {days} days of the history',
  },
});
