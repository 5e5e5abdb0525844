import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kubernetes } from '../../cli/import/kubernetes.ts';
import { readerOf } from '../../cli/import/log-reader.ts';
import { type AuditEvent, encodeRow, wireRowSchema } from '../../schemas/index.ts';

type Record_ = Readonly<Record<string, unknown>>;
const reader = readerOf(kubernetes);

const BASE = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'RequestResponse',
  auditID: '0b7b0a0e-1111-4222-8333-444455556666',
  stage: 'ResponseComplete',
  requestURI: '/apis/apps/v1/namespaces/shop/deployments/web',
  verb: 'patch',
  user: { username: 'jane', groups: ['devs', 'system:authenticated'] },
  sourceIPs: ['198.51.100.7', '10.0.0.1'],
  userAgent: 'kubectl/v1.31',
  objectRef: { resource: 'deployments', apiGroup: 'apps', namespace: 'shop', name: 'web' },
  responseStatus: { code: 200 },
  requestReceivedTimestamp: '2026-05-01T10:20:30.123456Z',
  stageTimestamp: '2026-05-01T10:20:30.200000Z',
  annotations: { 'authorization.k8s.io/decision': 'allow' },
};

function mapped(changes: Record_ = {}): AuditEvent {
  const result = reader.read({ ...BASE, ...changes }, 'prod');
  if (!('event' in result)) throw new Error(JSON.stringify(result));
  return result.event;
}

describe('R-ASK-09: one finished request to the Kubernetes API becomes one event', () => {
  it('says who, what, on which target, when, from where and how it ended', () => {
    expect(mapped()).toMatchObject({
      type: 'k8s.deployments.apps.patch',
      category: 'kubernetes',
      operation: 'update',
      outcome: 'success',
      occurredAt: '2026-05-01T10:20:30.123456Z',
      tenant: 'prod',
      service: 'kubernetes',
      actor: { type: 'user', id: 'jane' },
      target: { type: 'deployments.apps', id: 'shop/web' },
      related: [{ role: 'parent', type: 'namespaces', id: 'shop' }],
      sourceIp: '198.51.100.7',
      correlationId: BASE.auditID,
      retentionClass: 'archive',
      attributes: {
        'user_agent.original': 'kubectl/v1.31',
        'k8s.namespace.name': 'shop',
        'http.response.status_code': '200',
      },
      data: {
        sourceIPs: ['198.51.100.7', '10.0.0.1'],
        user: { groups: ['devs', expect.any(String)] },
      },
    });
  });

  it.each(['RequestReceived', 'ResponseStarted'])('passes over the stage %s', (stage) => {
    expect(reader.read({ ...BASE, stage })).toEqual({ skipped: true });
  });

  it.each([
    ['pods', 'exec', 'create', 'execute', 'k8s.pods.exec.create'],
    ['pods', 'eviction', 'create', 'delete', 'k8s.pods.eviction.create'],
    ['pods', undefined, 'deletecollection', 'delete', 'k8s.pods.deletecollection'],
    ['secrets', undefined, 'list', 'read', 'k8s.secrets.list'],
    ['secrets', undefined, 'get', 'read', 'k8s.secrets.get'],
    ['namespaces', undefined, 'create', 'create', 'k8s.namespaces.create'],
    [
      'selfsubjectaccessreviews',
      undefined,
      'create',
      'read',
      'k8s.selfsubjectaccessreviews.create',
    ],
  ])('%s/%s %s: %s', (resource, subresource, verb, operation, type) => {
    expect(mapped({ verb, objectRef: { resource, subresource, name: 'x' } })).toMatchObject({
      operation,
      type,
    });
  });

  it('names what is no resource by its verb, without a target', () => {
    const event = mapped({ verb: 'get', objectRef: undefined, requestURI: '/healthz' });
    expect(event).toMatchObject({ type: 'k8s.url.get', operation: 'read' });
    expect(event.target).toBeUndefined();
  });

  it('takes the name of what was created under a generated name from the answer', () => {
    const event = mapped({
      verb: 'create',
      objectRef: { resource: 'pods', namespace: 'shop' },
      responseObject: { kind: 'Pod', metadata: { name: 'web-x7' } },
    });
    expect(event.target).toEqual({ type: 'pods', id: 'shop/web-x7' });
  });

  it('is about the namespace where all of its objects are asked for', () => {
    const event = mapped({ verb: 'list', objectRef: { resource: 'pods', namespace: 'shop' } });
    expect(event.target).toEqual({ type: 'namespaces', id: 'shop' });
  });

  it.each([
    ['system:serviceaccount:ci:deployer', 'service_account', 'ci/deployer'],
    ['system:node:worker-1', 'node', 'worker-1'],
    ['system:anonymous', 'anonymous', 'system:anonymous'],
    ['system:kube-scheduler', 'system', 'system:kube-scheduler'],
    ['jane', 'user', 'jane'],
  ])('%s acts as %s %s', (username, type, id) => {
    expect(mapped({ user: { username } }).actor).toEqual({ type, id });
  });

  it('tells who acted for whom', () => {
    const event = mapped({ impersonatedUser: { username: 'root-of-shop' } });
    expect(event.actor.id).toBe('jane');
    expect(event.related?.[0]).toEqual({ role: 'on_behalf_of', type: 'user', id: 'root-of-shop' });
  });

  it.each([
    [{ responseStatus: { code: 403, reason: 'Forbidden' } }, 'denied', 'Forbidden'],
    [{ responseStatus: { code: 401 } }, 'denied', '401'],
    [{ responseStatus: { code: 409, reason: 'AlreadyExists' } }, 'failure', 'AlreadyExists'],
    [{ stage: 'Panic', responseStatus: undefined }, 'failure', 'Panic'],
    [{ responseStatus: undefined }, 'unknown', undefined],
  ])('%j: %s', (changes, outcome, code) => {
    const event = mapped(changes);
    expect([event.outcome, event.error?.code]).toEqual([outcome, code]);
  });
});

describe('R-EDGE-09: no secret of the cluster reaches the ledger', () => {
  const secret = {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: {
      name: 'db',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"czNjcjN0"}' },
    },
    data: { password: 'czNjcjN0' },
    stringData: { token: 's3cr3t' },
  };

  it.each([
    ['a secret', { requestObject: secret }],
    [
      'a list of secrets',
      { responseObject: { kind: 'SecretList', items: [{ ...secret, kind: undefined }] } },
    ],
    ['a list of anything', { responseObject: { kind: 'List', items: [secret] } }],
    ['a token', { responseObject: { kind: 'TokenRequest', status: { token: 's3cr3t' } } }],
  ])('%s', (_, changes) => {
    const event = mapped(changes);
    const row = encodeRow(event).toString();
    expect(row).not.toMatch(/s3cr3t|czNjcjN0/);
    expect(event.attributes?.['ledger.redacted']).toBeTruthy();
  });

  it('leaves the names of its keys, and other objects as they are', () => {
    const { data } = mapped({
      requestObject: secret,
      responseObject: { kind: 'ConfigMap', data: { a: 'b' } },
    });
    expect(data).toMatchObject({
      requestObject: { data: { password: '***' } },
      responseObject: { data: { a: 'b' } },
    });
  });
});

describe('R-ASK-09: records of any shape', () => {
  it.each([
    ['no object', 7, 'is not an object'],
    ['no auditID', { ...BASE, auditID: undefined }, 'has no auditID'],
    ['no verb', { ...BASE, verb: undefined }, 'has no verb'],
    ['no time', { ...BASE, requestReceivedTimestamp: 'soon' }, 'occurredAt: must be an ISO 8601'],
  ])('%s is told', (_, record, reason) => {
    expect(reader.read(record)).toEqual({ fault: expect.stringContaining(reason) });
  });

  it('nothing makes the mapping throw, or an event that is no row', () => {
    const keys = [...Object.keys(BASE), 'impersonatedUser', 'requestObject', 'responseObject'];
    const edits = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue());
    const property = fc.property(edits, (changes) => {
      const result = reader.read({ ...BASE, ...changes });
      if ('event' in result) wireRowSchema.parse(JSON.parse(encodeRow(result.event).toString()));
    });
    expect(fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false });
  });

  it('the same request has the same id in every import, and another one another', () => {
    expect(mapped().id).toBe(mapped({ level: 'Metadata' }).id);
    expect(mapped().id).not.toBe(mapped({ auditID: 'other' }).id);
  });
});
