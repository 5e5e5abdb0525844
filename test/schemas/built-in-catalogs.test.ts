import { describe, expect, test } from 'vitest';
import {
  authorization,
  checkInput,
  configBackup,
  contacts,
  defineCatalog,
  gateway,
  infrastructure,
  ledgerEvents,
  security,
} from '../../schemas/index.ts';

const everything = defineCatalog(
  infrastructure,
  gateway,
  contacts,
  configBackup,
  security,
  authorization,
);
const targetsOf = (catalog: { events: typeof everything.events }): Set<string> =>
  new Set(catalog.events.flatMap(({ target }) => target ?? []));

describe('the built-in catalogs', () => {
  test('combine without a clash, and each type has a label, an icon and a past verb', () => {
    expect(everything.events.length).toBeGreaterThan(90);
    for (const { label, icon, type } of [...everything.events, ...ledgerEvents.events]) {
      expect([label, icon].join('')).not.toBe('');
      expect(type).toMatch(/^[a-z_]+(\.[a-z_]+)*\.[a-z_]*(ed|un|ut|read|added|down|swept)[a-z_]*$/);
    }
  });

  test('R-REC-03: a control panel finds all nine of its things', () => {
    expect([...targetsOf(infrastructure)].toSorted()).toEqual([
      'app',
      'backup',
      'deploy_key',
      'deployment',
      'domain',
      'env_var',
      'server',
      'ssh_key',
      'team_member',
    ]);
  });

  test('R-REC-10: a gateway finds tools, servers, resources, prompts, users, tokens', () => {
    for (const target of ['tool', 'server', 'resource', 'prompt', 'user', 'token']) {
      expect(targetsOf(gateway)).toContain(target);
    }
    expect(gateway.resolve('health_check')?.operation).toBe('read');
  });

  test('R-REC-10: contacts can be created, updated, deleted, merged, imported, exported', () => {
    const types = contacts.events.map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining([
        'contact.created',
        'contact.updated',
        'contact.deleted',
        'contact.merged',
        'contact.list.imported',
        'contact.list.exported',
      ]),
    );
    expect(contacts.resolve('contact.list.exported')?.operation).toBe('export');
  });

  test.each([
    ['config_snapshot_created', 'config_backup.snapshot.created', 'create', { snapshotId: 's' }],
    [
      'config_snapshot_skipped_duplicate',
      'config_backup.snapshot.duplicate_skipped',
      'execute',
      {},
    ],
    ['config_diff_generated', 'config_backup.diff.generated', 'create', { addedLines: 3 }],
    ['config_backup_manual_trigger', 'config_backup.manual.triggered', 'execute', {}],
  ])('R-REC-06: %s is %s', (original, type, operation, data) => {
    const found = configBackup.resolve(original);
    if (found === undefined) throw configBackup.explain(original);
    expect(found).toMatchObject({ type, operation, target: 'device' });
    const input = {
      target: { id: 'sw-1' },
      data: { resourceType: 'running-config', details: { vendor: 'x' }, ...data },
    };
    expect(checkInput(found, input)).toMatchObject({ ok: true, data: input.data });
    expect(checkInput(found, { ...input, data: {} }).ok).toBe(false);
  });

  test('a refusal is denied unless told otherwise', () => {
    expect(authorization.resolve('authorization.permission.denied')?.outcome).toBe('denied');
  });

  test('R-EDGE-09: what an environment variable holds is not told', () => {
    for (const action of ['created', 'updated', 'deleted', 'revealed']) {
      const type = infrastructure.resolve(`app.env_var.${action}`);
      expect(type?.sensitive.changes.member('value')?.treatment).toBe('mask');
      expect(type?.sensitive.changes.member('key')?.treatment).toBeUndefined();
    }
  });
});
