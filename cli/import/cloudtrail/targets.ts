import type { Operation, Party, RelatedParty } from '../../../schemas/index.ts';
import { resourceOfArn } from './arn.ts';
import { isObject, type JsonObject, objectOf, textOf } from '../json.ts';
import { type Call, madeIn, targetsIn } from './parameter-targets.ts';

export interface Affected {
  readonly target: Party | undefined;
  readonly related: readonly RelatedParty[];
}

/** One call can touch hundreds; all of them stay in the event's data. */
const MAX_RELATED = 20;

/**
 * What a call was done to: the resources that CloudTrail lists, else what the answer of a creating
 * call says it made, else what the request names. The first is the target; of a creation, what the
 * request names besides is the target's parent; all others are related as `resource`. Pure.
 */
export function affectedBy(record: JsonObject, call: Call, operation: Operation): Affected {
  const resources = record['resources'];
  const listed = Array.isArray(resources)
    ? resources.flatMap((resource) => listedAs(resource, call))
    : [];
  const asked = targetsIn(objectOf(record['requestParameters']), call);
  const made = operation === 'create' ? madeIn(objectOf(record['responseElements']), call) : [];
  const reported = [
    ...targetsIn(objectOf(record['serviceEventDetails']), call),
    ...targetsIn(objectOf(record['additionalEventData']), call),
  ];
  const primary = listed.length > 0 ? listed : made;
  const [target, ...others] = primary.length > 0 ? primary : [...asked, ...reported];
  if (target === undefined) return { target, related: [] };

  const related = new Map<string, RelatedParty>();
  const relate = (role: string, party: Party): void => {
    const key = `${party.type}/${party.id}`;
    if (party.id !== target.id && !related.has(key)) related.set(key, { role, ...party });
  };
  for (const party of others) relate('resource', party);
  if (listed.length === 0 && made.length > 0) {
    for (const party of asked) relate('parent', party);
  }
  return { target, related: [...related.values()].slice(0, MAX_RELATED) };
}

function listedAs(resource: unknown, { account }: Call): Party[] {
  if (!isObject(resource)) return [];
  const arn = textOf(resource['ARN']) ?? textOf(resource['arn']) ?? textOf(resource['ARNPrefix']);
  return arn === undefined ? [] : [resourceOfArn(arn, account, textOf(resource['type']))];
}
