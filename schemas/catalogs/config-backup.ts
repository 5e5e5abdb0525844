import { z } from 'zod';
import { defineCatalog } from '../catalog.ts';
import { category } from '../category.ts';
import { event } from '../event-type.ts';

const name = z.string().min(1);
const count = z.int().min(0);

/** What each of the four has: which kind of resource of the device, and whatever else was seen. */
const details = z.record(z.string(), z.unknown()).optional();
const resource = { resourceType: name, details };
const digest = name.describe('Digest of the configuration, with its algorithm: sha256:…');

const configBackupCategory = category('config_backup', {
  label: 'Config backup',
  icon: 'hard-drive-download',
  events: {
    /** A device's configuration was read, differs from the last one kept, and is kept. */
    'config_backup.snapshot.created': event({
      operation: 'create',
      label: 'Configuration snapshot created',
      target: 'device',
      aliases: ['config_snapshot_created'],
      data: z.strictObject({
        ...resource,
        snapshotId: name,
        digest: digest.optional(),
        bytes: count.optional(),
      }),
    }),
    /** It was read and equals the last one kept: nothing was stored, and this says so. */
    'config_backup.snapshot.duplicate_skipped': event({
      // Not a read, which the default level would drop: the backup has run, and that is the news.
      operation: 'execute',
      label: 'Duplicate configuration snapshot skipped',
      target: 'device',
      aliases: ['config_snapshot_skipped_duplicate'],
      data: z.strictObject({
        ...resource,
        duplicateOf: name.optional(),
        digest: digest.optional(),
      }),
    }),
    /** Two kept snapshots were compared and the difference was stored. */
    'config_backup.diff.generated': event({
      operation: 'create',
      label: 'Configuration difference generated',
      target: 'device',
      aliases: ['config_diff_generated'],
      data: z.strictObject({
        ...resource,
        fromSnapshotId: name.optional(),
        toSnapshotId: name.optional(),
        addedLines: count.optional(),
        removedLines: count.optional(),
      }),
    }),
    /** A person, not the schedule, asked for a backup. */
    'config_backup.manual.triggered': event({
      operation: 'execute',
      label: 'Configuration backup triggered by hand',
      target: 'device',
      aliases: ['config_backup_manual_trigger'],
      data: z.strictObject({ ...resource }),
    }),
  },
});

/** Backups of network devices' configuration: four events, also under their original names. */
export const configBackup = defineCatalog(configBackupCategory);
