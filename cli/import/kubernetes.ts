import { isIP } from 'node:net';
import type { AuditEvent, Operation, Outcome, Party } from '../../schemas/index.ts';
import { isObject, type JsonObject, objectOf, textOf } from './json.ts';
import { defineMapping, type ImportedEvent } from './mapping.ts';
import { withoutSecrets } from './kubernetes-objects.ts';

/**
 * Kubernetes' audit log, `audit.k8s.io/v1`, as the API server's log backend writes it (one event per
 * line) or its webhook sends it (`EventList`). Of a request's stages the last is the event; those
 * before it are passed over. Fields: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1
 */
export const kubernetes = defineMapping({ name: 'kubernetes', list: 'items', map: eventOf });

/** What the API server's verbs do, and, for paths that are no resources, HTTP's methods. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  get: 'read',
  head: 'read',
  list: 'read',
  watch: 'read',
  options: 'read',
  create: 'create',
  update: 'update',
  patch: 'update',
  put: 'update',
  delete: 'delete',
  deletecollection: 'delete',
};

/** Where the subresource, and not the verb, says what is done: `create` of `pods/exec` runs a command. */
const BY_SUBRESOURCE: Readonly<Record<string, Operation>> = {
  exec: 'execute',
  attach: 'execute',
  portforward: 'execute',
  proxy: 'execute',
  eviction: 'delete',
  binding: 'update',
};

/** Created to ask a question; nothing of them is kept. */
const REVIEWS =
  /^(?:self)?subject(?:access|rules)reviews$|^localsubjectaccessreviews$|^tokenreviews$/;

/** Stages that another one of the same request follows. */
const UNFINISHED = new Set(['RequestReceived', 'ResponseStarted']);

function eventOf(record: unknown): ImportedEvent | undefined {
  if (!isObject(record)) throw new Error('is not an object');
  const stage = textOf(record['stage']);
  if (stage !== undefined && UNFINISHED.has(stage)) return undefined;
  const sourceId = textOf(record['auditID']);
  if (sourceId === undefined) throw new Error('has no auditID');
  const verb = textOf(record['verb']);
  if (verb === undefined) throw new Error('has no verb');
  const occurredAt = textOf(record['requestReceivedTimestamp']) ?? textOf(record['stageTimestamp']);
  if (occurredAt === undefined) throw new Error('has no requestReceivedTimestamp');

  const object = objectOf(record['objectRef']);
  const { target, parents } = targetOf(object, objectOf(record['responseObject']));
  const sources = Array.isArray(record['sourceIPs']) ? record['sourceIPs'].map(textOf) : [];
  const { data, redacted } = dataOf(record);
  return {
    sourceId,
    type: typeOf(object, verb),
    category: 'kubernetes',
    operation: operationOf(object, verb),
    occurredAt,
    actor: actorOf(objectOf(record['user'])),
    target,
    related: [...impersonated(record['impersonatedUser']), ...parents],
    sourceIp: sources.find((source) => source !== undefined && isIP(source) > 0),
    correlationId: sourceId,
    ...endOf(record, stage),
    data,
    attributes: attributesOf(record, object, redacted),
  };
}

/** `k8s.pods.exec.create`, `k8s.deployments.apps.patch`; `k8s.url.get` for what is no resource. */
function typeOf(object: JsonObject, verb: string): string {
  const resource = resourceOf(object);
  if (resource === undefined) return `k8s.url.${verb}`;
  const subresource = textOf(object['subresource']);
  return ['k8s', resource, subresource, verb].filter((part) => part !== undefined).join('.');
}

/** As kubectl names it: `pods`, `deployments.apps`. */
function resourceOf(object: JsonObject): string | undefined {
  const resource = textOf(object['resource']);
  const group = textOf(object['apiGroup']);
  return resource === undefined || group === undefined ? resource : `${resource}.${group}`;
}

function operationOf(object: JsonObject, verb: string): Operation {
  const resource = textOf(object['resource']);
  if (resource !== undefined && REVIEWS.test(resource)) return 'read';
  const subresource = BY_SUBRESOURCE[textOf(object['subresource']) ?? ''];
  if (resource === undefined && verb === 'post') return 'execute';
  return subresource ?? OPERATIONS[verb] ?? 'unknown';
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):(.+)$/;

function actorOf(user: JsonObject): Party {
  const name = textOf(user['username']);
  if (name === undefined) return { type: 'unknown', id: 'unknown' };
  const account = SERVICE_ACCOUNT.exec(name);
  if (account !== null) return { type: 'service_account', id: `${account[1]}/${account[2]}` };
  if (name.startsWith('system:node:')) return { type: 'node', id: name.slice(12) };
  if (name === 'system:anonymous') return { type: 'anonymous', id: name };
  return { type: name.startsWith('system:') ? 'system' : 'user', id: name };
}

function impersonated(user: unknown): NonNullable<AuditEvent['related']> {
  return isObject(user) ? [{ role: 'on_behalf_of', ...actorOf(user) }] : [];
}

/** What was asked for by name; of a creation whose name the server made, what the answer names. */
function targetOf(
  object: JsonObject,
  response: JsonObject,
): { target: Party | undefined; parents: NonNullable<AuditEvent['related']> } {
  const type = resourceOf(object);
  const namespace = textOf(object['namespace']);
  const name = textOf(object['name']) ?? textOf(objectOf(response['metadata'])['name']);
  const inside = namespace === undefined || type === 'namespaces' ? undefined : namespace;
  if (type === undefined) return { target: undefined, parents: [] };
  if (name === undefined) {
    const target = inside === undefined ? undefined : { type: 'namespaces', id: inside };
    return { target, parents: [] };
  }
  return {
    target: { type, id: inside === undefined ? name : `${inside}/${name}` },
    parents: inside === undefined ? [] : [{ role: 'parent', type: 'namespaces', id: inside }],
  };
}

function endOf(
  record: JsonObject,
  stage: string | undefined,
): { outcome: Outcome; error?: AuditEvent['error'] } {
  const status = objectOf(record['responseStatus']);
  const { code } = status;
  const forbidden =
    objectOf(record['annotations'])['authorization.k8s.io/decision'] === 'forbid' ||
    code === 401 ||
    code === 403;
  if (!forbidden && stage !== 'Panic' && !(typeof code === 'number' && code >= 400)) {
    return { outcome: typeof code === 'number' ? 'success' : 'unknown' };
  }
  return {
    outcome: forbidden ? 'denied' : 'failure',
    error: {
      code: textOf(status['reason']) ?? (stage === 'Panic' ? 'Panic' : textOf(code)),
      message: textOf(status['message']),
    },
  };
}

/** Whatever has no column or attribute, whole, without the contents of secrets. */
function dataOf(record: JsonObject): { data: JsonObject; redacted: readonly string[] } {
  const redacted: string[] = [];
  const { user, objectRef, sourceIPs, annotations, stageTimestamp, requestURI } = record;
  const data = {
    requestURI,
    user,
    objectRef,
    annotations,
    stageTimestamp,
    sourceIPs: Array.isArray(sourceIPs) && sourceIPs.length > 1 ? sourceIPs : undefined,
    requestObject: withoutSecrets(record['requestObject'], 'requestObject', redacted),
    responseObject: withoutSecrets(record['responseObject'], 'responseObject', redacted),
  };
  return { data, redacted };
}

function attributesOf(
  record: JsonObject,
  object: JsonObject,
  redacted: readonly string[],
): Readonly<Record<string, string>> {
  const attributes = {
    'user_agent.original': textOf(record['userAgent']),
    'k8s.namespace.name': textOf(object['namespace']),
    'k8s.audit.level': textOf(record['level']),
    'http.response.status_code': textOf(objectOf(record['responseStatus'])['code']),
    'ledger.redacted': redacted.length === 0 ? undefined : redacted.join(','),
  };
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
