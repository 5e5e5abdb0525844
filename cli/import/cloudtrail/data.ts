import { isObject, type JsonObject } from '../json.ts';

/** Fields that, as scalars, are columns or attributes of the event; all else goes into its data whole. */
const ELSEWHERE = new Set([
  'eventVersion',
  'eventTime',
  'eventSource',
  'eventName',
  'awsRegion',
  'sourceIPAddress',
  'userAgent',
  'errorCode',
  'errorMessage',
  'eventID',
  'sharedEventID',
  'requestID',
  'eventType',
  'eventCategory',
  'apiVersion',
  'readOnly',
  'managementEvent',
  'recipientAccountId',
  'sessionCredentialFromConsole',
  'vpcEndpointId',
]);

/** What attributes hold of `tlsDetails`; with anything more in it, it is kept whole as well. */
const TLS_DETAILS = new Set(['tlsVersion', 'cipherSuite', 'clientProvidedHostHeader']);

/** Working credentials, which CloudTrail records and an audit trail has no use for. */
const SECRETS = new Set(['sessiontoken', 'secretaccesskey', 'masteruserpassword', 'password']);
const MASK = '***';
/** Deeper than CloudTrail's own, so that a hostile one cannot exhaust the stack. */
const MAX_DEPTH = 64;

export interface RecordData {
  readonly data: JsonObject;
  /** Paths of what was masked, as `responseElements.credentials.sessionToken`. */
  readonly redacted: readonly string[];
}

/** A record's own fields: identity, parameters, answer, and whatever this version does not know. Pure. */
export function dataOf(record: JsonObject): RecordData {
  const redacted: string[] = [];
  const kept = Object.entries(record).filter(
    ([name, value]) => value !== null && value !== undefined && !isElsewhere(name, value),
  );
  const data = Object.fromEntries(
    kept.map(([name, value]) => [name, masked(value, name, MAX_DEPTH, redacted)]),
  );
  return { data, redacted };
}

function isElsewhere(name: string, value: unknown): boolean {
  if (name === 'tlsDetails' && isObject(value)) {
    return Object.keys(value).every((key) => TLS_DETAILS.has(key));
  }
  return ELSEWHERE.has(name) && typeof value !== 'object';
}

function masked(value: unknown, path: string, depth: number, redacted: string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) {
    note(path, redacted);
    return MASK;
  }
  if (Array.isArray(value)) {
    return value.map((item) => masked(item, `${path}[]`, depth - 1, redacted));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const at = `${path}.${name}`;
      if (typeof inner === 'string' && SECRETS.has(name.toLowerCase())) {
        note(at, redacted);
        return [name, MASK];
      }
      return [name, masked(inner, at, depth - 1, redacted)];
    }),
  );
}

function note(path: string, redacted: string[]): void {
  if (!redacted.includes(path) && redacted.length < 100) redacted.push(path);
}
