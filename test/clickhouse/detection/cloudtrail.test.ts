/**
 * An attack as AWS recorded it: CloudTrail files of a simulated one, where there are any. docs/detection.md
 * says which, and lists what is found and what is missed. They are not part of this repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detect, EVERY_TENANT } from '../../../clickhouse/index.ts';
import { mapCloudTrailRecord } from '../../../cli/import/cloudtrail/event.ts';
import { encodeRow } from '../../../schemas/index.ts';
import { ledgerForTest, type Row } from '../support.ts';

const folder = process.env['LEDGERLINE_TEST_CLOUDTRAIL'] ?? '';
const present = folder !== '' && existsSync(folder);
if (!present) {
  console.log('skipped: LEDGERLINE_TEST_CLOUDTRAIL names no folder with the files of the attack');
}

function recordsIn(path: string): unknown[] {
  const { Records } = JSON.parse(readFileSync(path, 'utf8')) as { Records: unknown[] };
  return Records;
}

/** As `ledgerline import cloudtrail` maps and encodes them. */
function rows(): Row[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => recordsIn(join(folder, name)))
    .flatMap((record) => {
      const mapped = mapCloudTrailRecord(record);
      return mapped.ok ? [mapped.event] : [];
    })
    .map((event, offset) => ({
      ...(JSON.parse(encodeRow(event).toString()) as Row),
      kafka_topic: 'cloudtrail',
      kafka_topic_id: '6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d',
      kafka_partition: 0,
      kafka_offset: offset,
      kafka_timestamp: '2026-01-01T00:00:00Z',
    }));
}

test.skipIf(!present)(
  'R-ASK-03 an attack of an hour is found without any history, and what needs one says so',
  { timeout: 120_000 },
  async () => {
    const ledger = await ledgerForTest();
    await ledger.insert(rows());
    const { findings, unjudged } = await detect(ledger.clickhouse, {
      since: new Date('2023-07-10T11:00:00Z'),
      until: new Date('2023-07-10T13:00:00Z'),
      tenant: EVERY_TENANT,
    });
    const found = findings.map(({ detector, what }) => `${detector}: ${what}`).join('\n');
    expect(found).toMatch(/denial-burst: assumed_role\/.* was refused 29 times/);
    expect(found).toMatch(/mass-export: iam_user\/.* took out data or secrets 85 times/);
    expect(found).toMatch(/mass-deletion: iam_user\/.* deleted 91 times/);
    for (const type of [
      'cloudtrail.DeleteTrail',
      'cloudtrail.StopLogging',
      'ec2.DeleteFlowLogs',
      'organizations.LeaveOrganization',
      's3.PutBucketLifecycle',
      's3.PutBucketPolicy',
      'ec2.ModifySnapshotAttribute',
      'iam.CreateAccessKey',
      'iam.UpdateAssumeRolePolicy',
      'lambda.AddPermission',
      'rolesanywhere.CreateTrustAnchor',
    ]) {
      expect(found).toContain(`did aws.${type}`);
    }
    expect(unjudged.map(({ detector, cause }) => [detector, cause])).toEqual(
      expect.arrayContaining([
        ['actor-volume', 'history'],
        ['new-action', 'history'],
        ['service-silence', 'history'],
      ]),
    );
  },
);
