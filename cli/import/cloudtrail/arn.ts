import type { Party } from '../../../schemas/index.ts';
import { snakeCase } from './json.ts';

/** `arn:partition:service:region:account:resource`, where the resource may hold more colons. */
const ARN = /^arn:[^:]*:([^:]+):[^:]*:[^:]*:(.+)$/;

export const isArn = (text: string): boolean => ARN.test(text);

/**
 * What an ARN names, as a target: `arn:aws:iam::1:role/admin` is the iam_role "admin". The type is
 * CloudTrail's (`AWS::IAM::Role`) where it gives one, otherwise read from the ARN. Pure.
 */
export function resourceOfArn(arn: string, cloudTrailType?: string): Party {
  const [, service = '', resource = arn] = ARN.exec(arn) ?? [];
  const type = cloudTrailType === undefined ? typeIn(service, resource) : typeNamed(cloudTrailType);
  const name = service === 's3' ? resource : resource.slice(resource.search(/[:/]/) + 1);
  return { type: type || 'aws_resource', id: arn, name };
}

/** `AWS::SecretsManager::Secret` as `secretsmanager_secret`: the service in one word, as in ARNs. */
function typeNamed(cloudTrailType: string): string {
  const [first, second, third] = cloudTrailType.split('::');
  if (second === undefined || third === undefined) return snakeCase(first ?? '');
  return `${snakeCase(second).replaceAll('_', '')}_${snakeCase(third)}`;
}

function typeIn(service: string, resource: string): string {
  if (service === 's3') return resource.includes('/') ? 's3_object' : 's3_bucket';
  const kind = /^([^:/]+)[:/]/.exec(resource)?.[1];
  return snakeCase(kind === undefined ? service : `${service}_${kind}`);
}
