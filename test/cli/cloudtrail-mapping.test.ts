import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { mapCloudTrailRecord } from '../../cli/import/cloudtrail/event.ts';
import { type AuditEvent, encodeRow, wireRowSchema } from '../../schemas/index.ts';

const FOLDER = fileURLToPath(new URL('../../../shared/data/cloudtrail', import.meta.url));
const missing = !existsSync(FOLDER);
if (missing) console.warn(`Skipped: the CloudTrail records of ${FOLDER} are not here.`);

type CloudTrailRecord = Readonly<Record<string, unknown>>;

const BASE = {
  eventVersion: '1.08',
  userIdentity: {
    type: 'IAMUser',
    principalId: 'AIDAEXAMPLE',
    arn: 'arn:aws:iam::111122223333:user/alice',
    accountId: '111122223333',
    accessKeyId: 'AKIAEXAMPLE',
    userName: 'alice',
  },
  eventTime: '2024-05-01T10:20:30Z',
  eventSource: 's3.amazonaws.com',
  eventName: 'GetObject',
  awsRegion: 'eu-west-1',
  sourceIPAddress: '198.51.100.7',
  userAgent: 'aws-cli/2.15',
  requestParameters: { bucketName: 'reports', key: 'q1.csv' },
  responseElements: null,
  requestID: 'REQ1',
  eventID: '1c3f4d4e-0000-4000-8000-000000000001',
  readOnly: true,
  eventType: 'AwsApiCall',
  managementEvent: false,
  recipientAccountId: '111122223333',
  eventCategory: 'Data',
};

function mapped(changes: CloudTrailRecord): AuditEvent {
  const result = mapCloudTrailRecord({ ...BASE, ...changes });
  if (!result.ok) throw new Error(result.reason);
  return result.event;
}

const isRow = (event: AuditEvent): void => {
  wireRowSchema.parse(JSON.parse(encodeRow(event).toString()));
};

describe('R-ASK-09: one CloudTrail record becomes one event', () => {
  it('says who, what, on which target, when, from where and how it ended', () => {
    const event = mapped({});
    expect(event).toMatchObject({
      type: 'aws.s3.GetObject',
      category: 'cloud',
      operation: 'read',
      outcome: 'success',
      occurredAt: '2024-05-01T10:20:30.000000Z',
      tenant: '111122223333',
      actor: { type: 'iam_user', id: 'AIDAEXAMPLE', name: 'alice' },
      target: { type: 's3_object', id: 'reports/q1.csv' },
      related: [{ role: 'resource', type: 's3_bucket', id: 'reports' }],
      sourceIp: '198.51.100.7',
      correlationId: 'REQ1',
      retentionClass: 'archive',
      attributes: {
        'cloud.provider': 'aws',
        'cloud.account.id': '111122223333',
        'cloud.region': 'eu-west-1',
        'user_agent.original': 'aws-cli/2.15',
        'aws.request_id': 'REQ1',
      },
    });
    isRow(event);
  });

  it('gives the same record the same id, and another record another', () => {
    expect(mapped({}).id).toBe(mapped({ userAgent: 'other' }).id);
    expect(mapped({}).id).not.toBe(mapped({ eventID: 'another' }).id);
    expect(mapped({}).id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  });

  it('names a service that called as source.address, since it is no address', () => {
    const event = mapped({ sourceIPAddress: 'cloudformation.amazonaws.com' });
    expect(event.sourceIp).toBeUndefined();
    expect(event.attributes?.['source.address']).toBe('cloudformation.amazonaws.com');
    expect(mapped({ sourceIPAddress: '2001:db8::7' }).sourceIp).toBe('2001:db8::7');
  });

  it('keeps working credentials out of the ledger, and says so', () => {
    const event = mapped({
      eventName: 'AssumeRole',
      responseElements: { credentials: { accessKeyId: 'ASIA1', sessionToken: 'FwoGZXIvYXdz' } },
    });
    expect(encodeRow(event).toString()).not.toContain('FwoGZXIvYXdz');
    expect(event.attributes?.['ledger.redacted']).toBe('responseElements.credentials.sessionToken');
  });

  it.each([9, 20, 100])('and also those that lie %i levels down', (depth) => {
    let inner: object = { sessionToken: 'FwoGZXIvYXdz' };
    for (let level = 1; level < depth; level++) inner = { in: [inner] };
    const event = mapped({ responseElements: inner });
    expect(JSON.stringify(event)).not.toContain('FwoGZXIvYXdz');
    expect(event.attributes?.['ledger.redacted']).toMatch(/^responseElements\.in\[\]/);
  });

  it('reads insights, which name their call inside', () => {
    const { eventName: _name, eventSource: _source, userIdentity: _who, ...rest } = BASE;
    const result = mapCloudTrailRecord({
      ...rest,
      eventCategory: 'Insight',
      insightDetails: {
        eventSource: 'ec2.amazonaws.com',
        eventName: 'RunInstances',
        state: 'Start',
      },
    });
    expect(result).toMatchObject({ ok: true, event: { type: 'aws.ec2.RunInstances.insight' } });
  });

  it.each([
    ['no object', 7],
    ['no eventID', { ...BASE, eventID: undefined }],
    ['no eventTime', { ...BASE, eventTime: undefined }],
    ['a time that is none', { ...BASE, eventTime: 'yesterday' }],
    ['no name', { ...BASE, eventName: undefined }],
  ])('refuses %s, with the reason', (_, record) => {
    expect(mapCloudTrailRecord(record)).toMatchObject({ ok: false });
  });
});

describe('R-REC-01: who acted, and on whose behalf', () => {
  const role = {
    type: 'AssumedRole',
    principalId: 'AROAEXAMPLE:deploy-42',
    arn: 'arn:aws:sts::111122223333:assumed-role/deployer/deploy-42',
    accountId: '111122223333',
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROAEXAMPLE',
        arn: 'arn:aws:iam::111122223333:role/deployer',
        accountId: '111122223333',
        userName: 'deployer',
      },
    },
  };

  it('is the session of an assumed role, for the role it was issued for', () => {
    const { actor, related } = mapped({ userIdentity: role, requestParameters: null });
    expect(actor).toEqual({
      type: 'assumed_role',
      id: 'AROAEXAMPLE:deploy-42',
      name: 'deployer/deploy-42',
    });
    expect(related).toEqual([
      { role: 'on_behalf_of', type: 'role', id: 'AROAEXAMPLE', name: 'deployer' },
    ]);
  });

  it('names the source identity first, where a session has one', () => {
    const sessionContext = { ...role.sessionContext, sourceIdentity: 'alice' };
    const { related } = mapped({
      userIdentity: { ...role, sessionContext },
      requestParameters: null,
    });
    expect(related?.[0]).toEqual({ role: 'on_behalf_of', type: 'source_identity', id: 'alice' });
  });

  it.each([
    [{ type: 'AWSService', invokedBy: 'ec2.amazonaws.com' }, 'aws_service', 'ec2.amazonaws.com'],
    [{ accountId: '1', invokedBy: 'ec2.amazonaws.com' }, 'aws_service', 'ec2.amazonaws.com'],
    [{ type: 'AWSAccount', principalId: 'AIDA9', accountId: '999' }, 'aws_account', '999'],
    [{ type: 'Root', principalId: '111', accountId: '111' }, 'root', '111'],
    [{ type: 'FederatedUser', principalId: '111:bob' }, 'federated_user', '111:bob'],
    [
      { type: 'WebIdentityUser', principalId: 'accounts.example.com:app:42' },
      'web_identity_user',
      'accounts.example.com:app:42',
    ],
    [{ type: 'SAMLUser', principalId: 'x', userName: 'carol' }, 'saml_user', 'x'],
    [{ type: 'IdentityCenterUser', accountId: '111' }, 'identity_center_user', '111'],
    [{}, 'unknown', 'unknown'],
    [undefined, 'unknown', 'unknown'],
    ['text', 'unknown', 'unknown'],
  ])('reads %j', (userIdentity, type, id) => {
    expect(mapped({ userIdentity }).actor).toMatchObject({ type, id });
  });

  it('tells the service that made the call for a person from that person', () => {
    const { actor, related } = mapped({
      userIdentity: { ...BASE.userIdentity, invokedBy: 'cloudformation.amazonaws.com' },
      requestParameters: null,
    });
    expect(actor.id).toBe('AIDAEXAMPLE');
    expect(related).toEqual([
      { role: 'via', type: 'aws_service', id: 'cloudformation.amazonaws.com' },
    ]);
  });
});

describe('R-REC-01: how it ended', () => {
  it.each([
    [{}, 'success', undefined],
    [{ errorCode: 'AccessDenied', errorMessage: 'no' }, 'denied', 'AccessDenied'],
    [{ errorCode: 'AccessDeniedException' }, 'denied', 'AccessDeniedException'],
    [{ errorCode: 'Client.UnauthorizedOperation' }, 'denied', 'Client.UnauthorizedOperation'],
    [{ errorCode: 'AuthorizationErrorException' }, 'denied', 'AuthorizationErrorException'],
    [{ errorCode: 'ThrottlingException' }, 'failure', 'ThrottlingException'],
    [{ errorMessage: 'Failed authentication' }, 'failure', undefined],
    [{ responseElements: { ConsoleLogin: 'Failure' } }, 'failure', undefined],
    [{ responseElements: { ConsoleLogin: 'Success' } }, 'success', undefined],
  ])('%j is %s', (fields, outcome, code) => {
    const event = mapped(fields);
    expect(event.outcome).toBe(outcome);
    expect(event.error?.code).toBe(code);
  });
});

describe('R-REC-01: on which target', () => {
  const targetOf = (fields: CloudTrailRecord) => mapped({ resources: undefined, ...fields }).target;

  it("takes the resources that CloudTrail lists, under the resource's own id", () => {
    const resources = [
      { ARN: 'arn:aws:iam::111122223333:role/ops/admin', type: 'AWS::IAM::Role' },
      { ARN: 'arn:aws:iam::444455556666:role/theirs', accountId: '444455556666' },
    ];
    const event = mapped({ resources });
    expect(event.target).toEqual({ type: 'iam_role', id: 'admin' });
    expect(event.related).toEqual([
      {
        role: 'resource',
        type: 'iam_role',
        id: 'arn:aws:iam::444455556666:role/theirs',
        name: 'theirs',
      },
    ]);
  });

  it('a role has one history, whether a call names it or answers its ARN', () => {
    const iam = { eventSource: 'iam.amazonaws.com', readOnly: false };
    const created = targetOf({
      ...iam,
      eventName: 'CreateRole',
      requestParameters: { roleName: 'admin' },
      responseElements: { role: { arn: 'arn:aws:iam::111122223333:role/admin' } },
    });
    const deleted = targetOf({
      ...iam,
      eventName: 'DeleteRole',
      requestParameters: { roleName: 'admin' },
    });
    expect(created).toEqual(deleted);
  });

  it('of a creation is what was made; what it was made in is its parent', () => {
    const event = mapped({
      eventSource: 'ec2.amazonaws.com',
      eventName: 'CreateSubnet',
      readOnly: false,
      requestParameters: { vpcId: 'vpc-1' },
      responseElements: { subnet: { subnetId: 'subnet-1', vpcId: 'vpc-1' } },
    });
    expect(event.target).toEqual({ type: 'ec2_subnet', id: 'subnet-1' });
    expect(event.related).toContainEqual({ role: 'resource', type: 'ec2_vpc', id: 'vpc-1' });
  });

  it.each([
    [
      'ec2',
      'TerminateInstances',
      { instancesSet: { items: [{ instanceId: 'i-1' }] } },
      'ec2_instance',
      'i-1',
    ],
    [
      'ec2',
      'AttachInternetGateway',
      { vpcId: 'vpc-1', internetGatewayId: 'igw-1' },
      'ec2_internet_gateway',
      'igw-1',
    ],
    [
      'ec2',
      'DeleteNatGateway',
      { DeleteNatGatewayRequest: { NatGatewayId: 'nat-1' } },
      'ec2_nat_gateway',
      'nat-1',
    ],
    [
      'ec2',
      'CreateTags',
      { resourcesSet: { items: [{ resourceId: 'vol-0fc2e34e74650e145' }] } },
      'ec2_volume',
      'vol-0fc2e34e74650e145',
    ],
    [
      'lambda',
      'UpdateFunctionCode20150331v2',
      { functionName: 'arn:aws:lambda:eu-west-1:111122223333:function:mail:3' },
      'lambda_function',
      'mail',
    ],
    ['ssm', 'PutParameter', { name: '/app/key' }, 'ssm_parameter', 'app/key'],
    [
      'rolesanywhere',
      'DeleteTrustAnchor',
      { trustAnchorId: 'ta-1' },
      'rolesanywhere_trust_anchor',
      'ta-1',
    ],
    ['dynamodb', 'DeleteTable', { tableName: 'orders' }, 'dynamodb_table', 'orders'],
  ])('%s %s', (service, eventName, requestParameters, type, id) => {
    const target = targetOf({
      eventSource: `${service}.amazonaws.com`,
      eventName,
      readOnly: false,
      requestParameters,
    });
    expect(target).toEqual({ type, id });
  });

  it('is absent where a call names none', () => {
    expect(targetOf({ eventName: 'ListBuckets', requestParameters: null })).toBeUndefined();
  });
});

describe.skipIf(missing)('R-ASK-09: the recorded account', () => {
  let records: CloudTrailRecord[] = [];

  beforeAll(() => {
    records = readdirSync(FOLDER)
      .filter((file) => file.endsWith('.json'))
      .flatMap((file) => {
        const text = readFileSync(join(FOLDER, file), 'utf8');
        return (JSON.parse(text) as { Records: CloudTrailRecord[] }).Records;
      });
  });

  it('every record becomes a row that the ledger takes, with an id of its own', () => {
    const ids = new Set<string>();
    for (const record of records) {
      const result = mapCloudTrailRecord(record);
      if (!result.ok) throw new Error(result.reason);
      isRow(result.event);
      expect(result.event.operation).not.toBe('unknown');
      expect(result.event.actor.type).not.toBe('unknown');
      ids.add(result.event.id);
    }
    expect(records).toHaveLength(1906);
    expect(ids.size).toBe(1906);
  });

  it('the 192 errors are 42 denials and 150 failures', () => {
    const outcomes = records.map((record) => mapped(record).outcome);
    expect(outcomes.filter((one) => one === 'denied')).toHaveLength(42);
    expect(outcomes.filter((one) => one === 'failure')).toHaveLength(150);
  });

  it('what the attacker did is told by actor, target and reason', () => {
    const find = (eventName: string): AuditEvent =>
      mapped(records.find((record) => record['eventName'] === eventName) ?? {});
    expect(find('StopLogging')).toMatchObject({
      type: 'aws.cloudtrail.StopLogging',
      operation: 'execute',
      actor: { type: 'iam_user', name: 'bert-jan' },
      target: { type: 'cloudtrail_trail', id: 'stratus-red-team-ct-stop-trail-qzbgnfqisx' },
    });
    expect(find('GetPasswordData')).toMatchObject({
      operation: 'read',
      outcome: 'denied',
      actor: { type: 'assumed_role' },
      related: [{ role: 'on_behalf_of', name: 'stratus-red-team-ec2-get-password-data-role' }],
      target: { type: 'ec2_instance', id: 'i-durz4ux740gjqvcm' },
      error: { code: 'Client.UnauthorizedOperation' },
    });
    expect(find('ConsoleLogin')).toMatchObject({ operation: 'execute', outcome: 'success' });
    expect(find('CreateAccessKey')).toMatchObject({
      operation: 'create',
      target: { type: 'iam_access_key', id: 'AKIATFQR7NSC3ZO6PKAZ' },
    });
  });

  it('no mutation of a record makes the mapping throw, or an event that is no row', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.string({ unit: 'binary' }));
    const property = fc.property(
      fc.nat(1905),
      fc.array(fc.tuple(fc.nat(), fc.nat(4), junk), { minLength: 1, maxLength: 6 }),
      (index, edits) => {
        const record = structuredClone(records[index] ?? {});
        for (const [at, depth, value] of edits) plant(record, at, depth, value);
        const result = mapCloudTrailRecord(record);
        if (result.ok) isRow(result.event);
        return result.ok || result.reason !== '';
      },
    );
    expect(fc.check(property, { numRuns: 250 })).toMatchObject({ failed: false });
  });
});

/** Puts a value in the place of one that is there, up to so many levels down. */
function plant(object: CloudTrailRecord, at: number, depth: number, value: unknown): void {
  const keys = Object.keys(object);
  const key = keys[at % Math.max(1, keys.length)];
  if (key === undefined) return;
  const inner = object[key];
  if (depth > 0 && typeof inner === 'object' && inner !== null) {
    plant(inner as CloudTrailRecord, at + depth, depth - 1, value);
  } else {
    (object as Record<string, unknown>)[key] = value;
  }
}
