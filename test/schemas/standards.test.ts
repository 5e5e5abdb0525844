import { describe, expect, test } from 'vitest';
import { COLUMNS, toCadf, toCloudEvent, toEcs, toOcsf, type Column } from '../../schemas/index.ts';
import { WHOLE } from './event-fixture.ts';

const columns: readonly Column[] = COLUMNS;

describe('an event in the words of other standards', () => {
  test('every producer column but the row’s own version has its place in each', () => {
    for (const { name, source, standards } of columns) {
      if (source !== 'producer' || name === 'wire_version') continue;
      expect([name, ...Object.keys(standards).toSorted()]).toEqual([
        name,
        'cadf',
        'cloudEvents',
        'ecs',
        'ocsf',
      ]);
    }
  });

  test('no two columns have the same place', () => {
    for (const standard of ['cloudEvents', 'ocsf', 'ecs', 'cadf'] as const) {
      const paths = columns
        .map(({ standards }) => standards[standard])
        .filter((path) => path !== undefined && !path.endsWith('[]'));
      expect(new Set(paths).size).toBe(paths.length);
    }
  });

  test('CloudEvents 1.0: required attributes, lower-case extensions of the allowed types', () => {
    const event = toCloudEvent(WHOLE);
    expect(event).toMatchObject({
      specversion: '1.0',
      id: WHOLE.id,
      source: 'control-panel',
      type: 'app.env_var.updated',
      subject: 'env_8842',
      time: '2026-11-22T10:00:00.123456Z',
      sourceip: '203.0.113.77',
      traceid: WHOLE.traceId,
      sequence: '123456',
      data: { data: WHOLE.data },
    });
    for (const [name, value] of Object.entries({ ...event, data: '' })) {
      expect(name).toMatch(/^[a-z0-9]+$/);
      expect(typeof value === 'string' || Number.isInteger(value)).toBe(true);
    }
  });

  test('OCSF: API Activity, with ids for activity, status, severity', () => {
    expect(toOcsf(WHOLE)).toMatchObject({
      category_uid: 6,
      class_uid: 6003,
      activity_id: 3,
      type_uid: 600_303,
      status_id: 2,
      status: 'denied',
      severity_id: 2,
      time: Date.parse('2026-11-22T10:00:00.123Z'),
      metadata: {
        version: '1.4.0',
        uid: WHOLE.id,
        product: { vendor_name: 'Ledgerline', name: 'control-panel' },
      },
      actor: { user: { type: 'user', uid: 'usr_1' } },
      resources: [{ type: 'env_var', uid: 'env_8842', name: 'DATABASE_URL' }],
      src_endpoint: { ip: '203.0.113.77' },
    });
  });

  test('ECS: allowed values of type and outcome, labels without dots', () => {
    expect(toEcs(WHOLE)).toMatchObject({
      '@timestamp': '2026-11-22T10:00:00.123456Z',
      event: { kind: 'event', type: ['change'], outcome: 'failure', severity: 2 },
      source: { ip: '203.0.113.77' },
      labels: { user_agent_original: 'curl/8' },
    });
  });

  test('CADF: initiator, target, observer; the rest as tags and attachments', () => {
    const event = toCadf(WHOLE);
    expect(event).toMatchObject({
      eventType: 'activity',
      action: 'update',
      outcome: 'failure',
      initiator: { id: 'usr_1', typeURI: 'user', host: { address: '203.0.113.77' } },
      target: { id: 'env_8842', typeURI: 'env_var' },
      observer: { name: 'control-panel' },
    });
    expect(event['tags']).toContain('category:app');
    expect(event['attachments']).toContainEqual({
      name: 'data',
      contentType: 'application/json',
      content: WHOLE.data,
    });
  });
});
