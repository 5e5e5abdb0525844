import type { Party } from '../../../schemas/index.ts';
import { isArn, resourceOfArn } from './arn.ts';
import { isObject, type JsonObject, objectOf, snakeCase, textOf } from './json.ts';

/**
 * Parameters that name a resource, and its type; `*` stands for the service that was called.
 * In this order where a call has several and its name singles out none.
 */
const PARAMETERS: readonly (readonly [parameter: string, type: string])[] = [
  ['instanceId', 'ec2_instance'],
  ['functionName', 'lambda_function'],
  ['secretId', 'secretsmanager_secret'],
  ['keyId', 'kms_key'],
  ['dBInstanceIdentifier', 'rds_db_instance'],
  ['dBClusterIdentifier', 'rds_db_cluster'],
  ['dBSnapshotIdentifier', 'rds_db_snapshot'],
  ['dBSubnetGroupName', 'rds_db_subnet_group'],
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
  ['resourceName', '*_resource'],
  ['resourceId', '*_resource'],
];

/** What a bare `name` is, by service. */
const NAMED = new Map([
  ['ssm', 'ssm_parameter'],
  ['secretsmanager', 'secretsmanager_secret'],
  ['cloudtrail', 'cloudtrail_trail'],
  ['rolesanywhere', 'rolesanywhere_resource'],
]);

const MAX_ITEMS = 20;

/**
 * The resources that a call's parameters, or its answer, name: the likeliest target first. A
 * parameter whose noun is in the call's name comes first (`AttachInternetGateway` is about the
 * gateway, not the VPC), then the order of the table. Pure.
 *
 * @param values requestParameters or responseElements
 */
export function targetsIn(values: JsonObject, service: string, eventName: string): Party[] {
  const named = PARAMETERS.filter(([parameter]) => eventName.includes(nounOf(parameter)));
  const found: Party[] = [...bucketIn(values)];
  for (const [parameter, type] of new Set([...named, ...PARAMETERS])) {
    const id = textOf(values[parameter]);
    if (id !== undefined) found.push(partyOf(id, type.replace('*', service)));
  }
  const type = NAMED.get(service);
  const name = textOf(values['name']);
  if (type !== undefined && name !== undefined) found.push(partyOf(name, type));
  return found.concat(instancesIn(values));
}

/**
 * What a call has made, from its answer: `{ vpc: { vpcId } }`, `{ user: { userName, arn } }`,
 * `{ instancesSet: { items: […] } }`.
 */
export function madeIn(response: JsonObject, service: string, eventName: string): Party[] {
  const here = [textOf(response['aRN']), textOf(response['arn']), textOf(response['functionArn'])]
    .filter((arn) => arn !== undefined && isArn(arn))
    .map((arn) => resourceOfArn(arn as string));
  const inside = Object.values(response)
    .filter(isObject)
    .slice(0, MAX_ITEMS)
    .flatMap((made) => {
      const arn = textOf(made['arn']);
      return arn !== undefined && isArn(arn)
        ? [resourceOfArn(arn)]
        : targetsIn(made, service, eventName);
    });
  return [...here, ...inside, ...targetsIn(response, service, eventName)];
}

/** Buckets and objects by their ARN, which is exact, so that they meet those of `resources`. */
function bucketIn(values: JsonObject): Party[] {
  const bucket = textOf(values['bucketName']);
  if (bucket === undefined) return [];
  const key = textOf(values['key']);
  const parent = resourceOfArn(`arn:aws:s3:::${bucket}`);
  return key === undefined ? [parent] : [resourceOfArn(`arn:aws:s3:::${bucket}/${key}`), parent];
}

function instancesIn(values: JsonObject): Party[] {
  const items = objectOf(values['instancesSet'])['items'];
  if (!Array.isArray(items)) return [];
  return items
    .slice(0, MAX_ITEMS)
    .map((item) => textOf(objectOf(item)['instanceId']))
    .filter((id) => id !== undefined)
    .map((id) => ({ type: 'ec2_instance', id }));
}

const partyOf = (id: string, type: string): Party =>
  isArn(id) ? resourceOfArn(id) : { type: snakeCase(type), id };

/** `internetGatewayId` names an InternetGateway. */
const nounOf = (parameter: string): string => {
  const noun = parameter.replace(/(?:Id|Name|Arn|Identifier|Url)$/, '');
  return noun.charAt(0).toUpperCase() + noun.slice(1);
};
