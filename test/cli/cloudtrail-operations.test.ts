import { describe, expect, it } from 'vitest';
import { operationOf } from '../../cli/import/cloudtrail/operation.ts';
import type { Operation } from '../../schemas/index.ts';

const TABLE: readonly (readonly [name: string, readOnly: boolean | undefined, Operation])[] = [
  ['GetObject', true, 'read'],
  ['ListBuckets', true, 'read'],
  ['DescribeInstances', true, 'read'],
  ['HeadBucket', true, 'read'],
  ['BatchGetItem', true, 'read'],
  ['SimulatePrincipalPolicy', true, 'read'],
  ['FrobnicateThing', true, 'read'],
  ['CreateUser', false, 'create'],
  ['CreateFunction20150331', false, 'create'],
  ['RunInstances', false, 'create'],
  ['AllocateAddress', false, 'create'],
  ['AdminCreateUser', false, 'create'],
  ['PutBucketPolicy', false, 'update'],
  ['AttachRolePolicy', false, 'update'],
  ['RemoveRoleFromInstanceProfile', false, 'update'],
  ['AuthorizeSecurityGroupIngress', false, 'update'],
  ['CancelKeyDeletion', false, 'update'],
  ['DeleteTrail', false, 'delete'],
  ['TerminateInstances', false, 'delete'],
  ['DeregisterImage', false, 'delete'],
  ['StopLogging', false, 'execute'],
  ['SendCommand', false, 'execute'],
  ['RunTask', false, 'execute'],
  ['ConsoleLogin', false, 'execute'],
  ['AssumeRole', true, 'execute'],
  ['Decrypt', true, 'execute'],
  ['ReEncrypt', false, 'execute'],
  ['GenerateDataKey', true, 'execute'],
  ['GetFederationToken', false, 'execute'],
  ['LeaveOrganization', false, 'execute'],
  ['ExportTableToPointInTime', false, 'export'],
  ['DownloadDBLogFilePortion', true, 'export'],
  ['SharedSnapshotVolumeCreated', false, 'create'],
  ['KeyRotated', undefined, 'update'],
  ['createIndex', false, 'create'],
  ['FrobnicateThing', false, 'unknown'],
  ['', undefined, 'unknown'],
];

describe('R-REC-01: what an AWS call did, from its verb and readOnly', () => {
  it.each(TABLE)('%s (readOnly %s) is %s', (name, readOnly, operation) => {
    expect(operationOf(name, readOnly)).toBe(operation);
  });

  it.each(TABLE)('%s is never a change when CloudTrail says that it only read', (name) => {
    expect(['read', 'execute', 'export']).toContain(operationOf(name, true));
  });
});
