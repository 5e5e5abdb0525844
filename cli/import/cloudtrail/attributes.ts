import { isIP } from 'node:net';
import { type JsonObject, objectOf, textOf } from '../json.ts';

/** Where the call came from: an address, or the name of the AWS service that called. */
export const sourceIpOf = (record: JsonObject): string | undefined => {
  const source = textOf(record['sourceIPAddress']);
  return source !== undefined && isIP(source) !== 0 ? source : undefined;
};

const textual = (value: unknown): string | undefined =>
  typeof value === 'boolean' ? String(value) : textOf(value);

/**
 * What has no column of its own, under OpenTelemetry's names where there are any
 * (https://opentelemetry.io/docs/specs/semconv/registry/attributes/). Pure.
 */
export function attributesOf(record: JsonObject): Readonly<Record<string, string>> {
  const identity = objectOf(record['userIdentity']);
  const session = objectOf(objectOf(identity['sessionContext'])['attributes']);
  const tls = objectOf(record['tlsDetails']);
  const found: Readonly<Record<string, string | undefined>> = {
    'cloud.provider': 'aws',
    'cloud.account.id': textOf(record['recipientAccountId']) ?? textOf(identity['accountId']),
    'cloud.region': textOf(record['awsRegion']),
    'user_agent.original': textOf(record['userAgent']),
    'source.address':
      sourceIpOf(record) === undefined ? textOf(record['sourceIPAddress']) : undefined,
    'server.address': textOf(tls['clientProvidedHostHeader']),
    'tls.protocol.version': textOf(tls['tlsVersion'])?.replace(/^TLSv/, ''),
    'tls.cipher': textOf(tls['cipherSuite']),
    'aws.request_id': textOf(record['requestID']),
    'aws.event_id': textOf(record['eventID']),
    'aws.shared_event_id': textOf(record['sharedEventID']),
    'aws.event_type': textOf(record['eventType']),
    'aws.event_category': textOf(record['eventCategory']),
    'aws.event_version': textOf(record['eventVersion']),
    'aws.api_version': textOf(record['apiVersion']),
    'aws.read_only': textual(record['readOnly']),
    'aws.management_event': textual(record['managementEvent']),
    'aws.access_key_id': textOf(identity['accessKeyId']),
    'aws.mfa_authenticated': textual(session['mfaAuthenticated']),
    'aws.session_credential_from_console': textual(record['sessionCredentialFromConsole']),
    'aws.vpc_endpoint_id': textOf(record['vpcEndpointId']),
  };
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
