import type { Party } from '../../../schemas/index.ts';
import { isArn, resourceOfArn } from './arn.ts';
import { ec2TypeOf } from './ec2-ids.ts';
import { isObject, type JsonObject, objectOf, snakeCase, textOf } from '../json.ts';

/** The call whose parameters are read. */
export interface Call {
  /** `ec2` of `ec2.amazonaws.com`. */
  readonly service: string;
  readonly name: string;
  readonly account: string | undefined;
}

/**
 * Parameters that name a resource, and its type where that is not the called service's; `*` stands
 * for the service. In this order where a call's name singles out none of its parameters.
 */
const PARAMETERS: readonly (readonly [parameter: string, type: string])[] = [
  ['instanceId', 'ec2_instance'],
  ['functionName', 'lambda_function'],
  ['secretId', 'secretsmanager_secret'],
  ['keyId', 'kms_key'],
  ['dBInstanceIdentifier', 'rds_db_instance'],
  ['dBClusterIdentifier', 'rds_db_cluster'],
  ['dBSnapshotIdentifier', 'rds_db_snapshot'],
  ['roleName', 'iam_role'],
  ['roleArn', 'iam_role'],
  ['userName', 'iam_user'],
  ['instanceProfileName', 'iam_instance_profile'],
  ['policyArn', 'iam_policy'],
  ['policyName', 'iam_policy'],
  ['accessKeyId', 'iam_access_key'],
  ['groupName', '*_group'],
  ['groupId', 'ec2_security_group'],
  ['networkInterfaceId', 'ec2_network_interface'],
  ['volumeId', 'ec2_volume'],
  ['snapshotId', 'ec2_snapshot'],
  ['imageId', 'ec2_image'],
  ['natGatewayId', 'ec2_nat_gateway'],
  ['internetGatewayId', 'ec2_internet_gateway'],
  ['allocationId', 'ec2_address'],
  ['routeTableId', 'ec2_route_table'],
  ['associationId', '*_association'],
  ['networkAclId', 'ec2_network_acl'],
  ['subnetId', 'ec2_subnet'],
  ['vpcId', 'ec2_vpc'],
  ['tableName', 'dynamodb_table'],
  ['queueUrl', 'sqs_queue'],
  ['topicArn', 'sns_topic'],
  ['stackName', 'cloudformation_stack'],
  ['clusterName', '*_cluster'],
  ['cluster', '*_cluster'],
  ['serviceName', '*_service'],
  ['repositoryName', '*_repository'],
  ['streamName', '*_stream'],
  ['logGroupName', 'logs_log_group'],
  ['hostedZoneId', 'route53_hosted_zone'],
  ['distributionId', 'cloudfront_distribution'],
  ['detectorId', 'guardduty_detector'],
  ['trailName', 'cloudtrail_trail'],
  ['documentName', 'ssm_document'],
  ['resourceArn', '*_resource'],
  ['resource', '*_resource'],
  ['arn', '*_resource'],
  ['ARN', '*_resource'],
  ['resourceName', '*_resource'],
  ['resourceId', '*_resource'],
];
const TYPE_OF = new Map(PARAMETERS);

/** What a bare `name` is where a call's own name does not tell, as in `PutParameter` it does. */
const NAMED = new Map([
  ['ssm', 'ssm_parameter'],
  ['secretsmanager', 'secretsmanager_secret'],
  ['cloudtrail', 'cloudtrail_trail'],
]);

/** Lists of resources within a call: `{ instancesSet: { items: [{ instanceId }] } }`. */
const SETS: readonly (readonly [set: string, id: string, type: string])[] = [
  ['instancesSet', 'instanceId', 'ec2_instance'],
  ['resourcesSet', 'resourceId', 'ec2_resource'],
];

const MAX_ITEMS = 20;
const MAX_PARAMETERS = 100;

/**
 * The resources that a call's parameters, or its answer, name: the likeliest target first. A
 * parameter whose noun is in the call's name comes first (`AttachInternetGateway` is about the
 * gateway, not the VPC), then the order of the table. Pure.
 *
 * @param given requestParameters or responseElements
 */
export function targetsIn(given: JsonObject, call: Call): Party[] {
  const values = unwrapped(given);
  const named = Object.keys(values)
    .slice(0, MAX_PARAMETERS)
    .filter((parameter) => isAbout(call.name, parameter));
  const found: Party[] = [...bucketIn(values)];
  for (const parameter of new Set([...named, ...TYPE_OF.keys()])) {
    const id = textOf(values[parameter]);
    const type = TYPE_OF.get(parameter) ?? `*_${nounOf(parameter)}`;
    if (id !== undefined) found.push(partyOf(id, type.replace('*', call.service), call));
  }
  const name = textOf(values['name']);
  const type = NAMED.get(call.service) ?? createdType(call);
  if (name !== undefined && type !== undefined) found.push(partyOf(name, type, call));
  return found.concat(listedIn(values, call));
}

/**
 * What a call has made, from its answer: `{ vpc: { vpcId } }`, `{ user: { userName, arn } }`,
 * `{ instancesSet: { items: […] } }`. Pure.
 */
export function madeIn(given: JsonObject, call: Call): Party[] {
  const response = unwrapped(given);
  const arns = [response['aRN'], response['arn'], response['functionArn']].map(textOf);
  const here = arns.flatMap((arn) =>
    arn !== undefined && isArn(arn) ? [resourceOfArn(arn, call.account)] : [],
  );
  const inside = Object.values(response)
    .filter(isObject)
    .slice(0, MAX_ITEMS)
    .flatMap((made) => {
      const arn = textOf(made['arn']);
      return arn !== undefined && isArn(arn)
        ? [resourceOfArn(arn, call.account)]
        : targetsIn(made, call);
    });
  return [...here, ...inside, ...targetsIn(response, call)];
}

/**
 * EC2's newer calls wrap all they are told, `{ DeleteNatGatewayRequest: { NatGatewayId } }`, and list
 * items as `{ FlowLogId: { tag: 1, content: "fl-…" } }`.
 */
function unwrapped(values: JsonObject): JsonObject {
  const [wrapper, ...others] = Object.entries(values);
  if (wrapper === undefined || others.length > 0) return values;
  const [name, inner] = wrapper;
  if (!/Re(?:quest|sponse)$/.test(name) || !isObject(inner)) return values;
  return Object.fromEntries(
    Object.entries(inner).map(([key, value]) => [
      key.charAt(0).toLowerCase() + key.slice(1),
      objectOf(value)['content'] ?? value,
    ]),
  );
}

/** Buckets and objects, which have the same ids as in `resources`. */
function bucketIn(values: JsonObject): Party[] {
  const bucket = textOf(values['bucketName']);
  if (bucket === undefined) return [];
  const key = textOf(values['key']);
  const parent = { type: 's3_bucket', id: bucket };
  return key === undefined ? [parent] : [{ type: 's3_object', id: `${bucket}/${key}` }, parent];
}

const listedIn = (values: JsonObject, call: Call): Party[] =>
  SETS.flatMap(([set, id, type]) => {
    const items = objectOf(values[set])['items'];
    if (!Array.isArray(items)) return [];
    return items
      .slice(0, MAX_ITEMS)
      .map((item) => textOf(objectOf(item)[id]))
      .filter((found) => found !== undefined)
      .map((found) => partyOf(found, type, call));
  });

function partyOf(id: string, type: string, { account }: Call): Party {
  if (isArn(id)) return resourceOfArn(id, account);
  const known = type.endsWith('_resource') ? ec2TypeOf(id) : undefined;
  if (known !== undefined) return { type: known, id };
  // A parameter's path begins with a slash that its ARN does not have.
  return { type: snakeCase(type), id: type === 'ssm_parameter' ? id.replace(/^\/(?=.)/, '') : id };
}

const NAMING = /(?:Id|Name|Arn|ARN|Identifier|Url)$/;

/** `internetGatewayId` names an InternetGateway. */
const nounOf = (parameter: string): string => {
  const noun = parameter.replace(NAMING, '');
  return noun.charAt(0).toUpperCase() + noun.slice(1);
};

const isAbout = (eventName: string, parameter: string): boolean =>
  NAMING.test(parameter) && nounOf(parameter) !== '' && eventName.includes(nounOf(parameter));

/** `CreateTrustAnchor` with a bare `name` makes a trust anchor of that name. */
const createdType = ({ service, name }: Call): string | undefined => {
  const noun = /^Create([A-Z][A-Za-z]+)/.exec(name)?.[1];
  return noun === undefined ? undefined : `${service}_${noun}`;
};
