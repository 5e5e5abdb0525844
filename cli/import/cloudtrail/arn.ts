import type { Party } from '../../../schemas/index.ts';
import { snakeCase } from '../json.ts';

/** `arn:partition:service:region:account:resource`, where the resource may hold more colons. */
const ARN = /^arn:[^:]*:([^:]+):[^:]*:([^:]*):(.+)$/;

export const isArn = (text: string): boolean => ARN.test(text);

/**
 * What an ARN names, as a target: `arn:aws:iam::1:role/ops/admin` is the iam_role "admin". The type
 * is CloudTrail's (`AWS::IAM::Role`) where it gives one, otherwise read from the ARN.
 *
 * The id is the resource's own within its account, the one that API calls name it by, so that
 * `CreateRole`, which answers an ARN, and `DeleteRole`, which is told a name, meet in one target's
 * history. A resource of another account keeps its whole ARN. Pure.
 */
export function resourceOfArn(
  arn: string,
  account: string | undefined,
  cloudTrailType?: string,
): Party {
  const [, service = '', owner = '', resource = arn] = ARN.exec(arn) ?? [];
  const type =
    (cloudTrailType === undefined ? typeIn(service, resource) : typeNamed(cloudTrailType)) ||
    'aws_resource';
  const id = ownId(service, resource);
  const foreign = owner !== '' && account !== undefined && owner !== account;
  return foreign ? { type, id: arn, name: id } : { type, id };
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

function ownId(service: string, resource: string): string {
  const whole = resource.slice(resource.search(/[:/]/) + 1);
  switch (service) {
    case 's3':
      return resource;
    case 'iam':
      // Names are unique within an account, whatever the path.
      return whole.slice(whole.lastIndexOf('/') + 1) || whole;
    case 'lambda':
      // A version or alias behind the function's name.
      return whole.split(':')[0] || whole;
    case 'logs':
      return whole.replace(/:\*$/, '');
    case 'secretsmanager':
      // Secrets Manager puts a hyphen and six random characters behind a secret's name.
      return whole.replace(/-[A-Za-z0-9]{6}$/, '') || whole;
    default:
      return whole;
  }
}
