import { type AuditEvent, uuidv5, wireInstant } from '../../../schemas/index.ts';
import { actingOf } from './actor.ts';
import { attributesOf, sourceIpOf } from './attributes.ts';
import { dataOf } from './data.ts';
import { isObject, type JsonObject, objectOf, textOf } from '../json.ts';
import type { LogReader } from '../log-reader.ts';
import { operationOf } from './operation.ts';
import { outcomeOf } from './outcome.ts';
import { affectedBy } from './targets.ts';

/** Never changes: the same CloudTrail event has the same id in every ledger and every import. */
const CLOUDTRAIL_NAMESPACE = 'ae9ea39f-2234-4c0a-9668-fca9eeb3f7ce';

const CATEGORY = 'cloud';
const SERVICE = 'cloudtrail';
/** CloudTrail's files are years old at times: under a shorter class they would expire on arrival. */
const RETENTION_CLASS = 'archive';

/** CloudTrail's files as a bucket holds them. Signed digests of its files lie beside them. */
export const cloudTrail: LogReader = {
  files: /\.json(?:\.gz)?$/,
  list: 'Records',
  read: (record) => {
    if (isDigest(record)) return { skipped: true };
    const mapped = mapCloudTrailRecord(record);
    return mapped.ok ? { event: mapped.event } : { fault: mapped.reason };
  },
};

const isDigest = (value: unknown): boolean =>
  isObject(value) && 'digestStartTime' in value && 'logFiles' in value;

/** A record as an event, or why it is none. */
type Mapped =
  | { readonly ok: true; readonly event: AuditEvent }
  | { readonly ok: false; readonly reason: string };

/**
 * Maps one CloudTrail record, of any kind: API calls, sign-ins, service events, insights, data and
 * network events. The type is `aws.<service>.<EventName>` with CloudTrail's own name, so that what
 * AWS documents can be searched for. Never throws; needs `eventID`, `eventTime` and a name. Pure.
 *
 * @example
 * const mapped = mapCloudTrailRecord(record);
 * if (mapped.ok) mapped.event.type; // 'aws.s3.PutBucketPolicy'
 */
export function mapCloudTrailRecord(record: unknown): Mapped {
  if (!isObject(record)) return refused('is not an object');
  const eventId = textOf(record['eventID']);
  if (eventId === undefined) return refused('has no eventID');
  const eventTime = textOf(record['eventTime']);
  if (eventTime === undefined) return refused('has no eventTime');
  const occurredAt = wireInstant(eventTime);
  if (occurredAt === undefined) {
    return refused('has an eventTime that is not ISO 8601, or is outside the years 1900–2299');
  }
  const named = nameOf(record);
  if (named === undefined) return refused('has no eventSource and eventName');
  return { ok: true, event: eventOf(record, eventId, occurredAt, named) };
}

const refused = (reason: string): Mapped => ({ ok: false, reason });

interface Named {
  readonly service: string;
  readonly name: string;
}

/** Insights name the calls they are about inside `insightDetails`. */
function nameOf(record: JsonObject): Named | undefined {
  const insight = objectOf(record['insightDetails']);
  const source = textOf(record['eventSource']) ?? textOf(insight['eventSource']);
  const name = textOf(record['eventName']) ?? textOf(insight['eventName']);
  if (source === undefined || name === undefined) return undefined;
  return { service: source.replace(/\.amazonaws\.com(?:\.cn)?$/, ''), name };
}

function eventOf(
  record: JsonObject,
  eventId: string,
  occurredAt: string,
  { service, name }: Named,
): AuditEvent {
  const isInsight = isObject(record['insightDetails']);
  const readOnly = record['readOnly'];
  const operation = isInsight
    ? 'unknown'
    : operationOf(name, typeof readOnly === 'boolean' ? readOnly : undefined);
  const { actor, related } = isInsight
    ? { actor: { type: 'aws_service', id: 'cloudtrail.amazonaws.com' }, related: [] }
    : actingOf(record['userIdentity']);
  const account =
    textOf(record['recipientAccountId']) ?? textOf(objectOf(record['userIdentity'])['accountId']);
  const affected = affectedBy(record, { service, name, account }, operation);
  const { outcome, error } = outcomeOf(record);
  const { data, redacted } = dataOf(record);
  return {
    id: uuidv5(CLOUDTRAIL_NAMESPACE, eventId),
    type: `aws.${service}.${name}${isInsight ? '.insight' : ''}`,
    version: 1,
    category: CATEGORY,
    operation,
    outcome,
    severity: 'informational',
    occurredAt,
    tenant: account ?? 'default',
    actor,
    target: affected.target,
    related: [...related, ...affected.related],
    sourceIp: sourceIpOf(record),
    service: SERVICE,
    correlationId: textOf(record['requestID']) ?? textOf(record['sharedEventID']),
    error,
    data,
    retentionClass: RETENTION_CLASS,
    attributes: {
      ...attributesOf(record),
      ...(redacted.length === 0 ? {} : { 'ledger.redacted': redacted.join(',') }),
    },
  };
}
