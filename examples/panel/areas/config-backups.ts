import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import type { Panel } from '../panel.ts';

const Backup = z.strictObject({
  trigger: z.enum(['schedule', 'manual']),
  resourceType: z.string().min(1),
  configuration: z.string().max(100_000),
});

/** Reads a device's configuration and keeps it when it differs from the last one kept. */
export function configBackupRoutes(http: FastifyInstance, { ledger, store }: Panel): void {
  http.post<{ Params: { device: string } }>('/devices/:device/backups', (request, reply) => {
    const caller = new Caller(request, store);
    const { device } = request.params;
    const { trigger, resourceType, configuration } = Backup.parse(request.body);
    const attempt = { target: { id: device } };

    if (trigger === 'manual') {
      const refusal = caller.refusal('backups:run');
      ledger.emit('config_backup.manual.triggered', {
        ...attempt,
        data: { resourceType },
        ...refusal,
      });
      if (refusal !== undefined) throw forbidden(refusal);
    }

    const lines = configuration.split('\n');
    const digest = `sha256:${createHash('sha256').update(configuration).digest('hex')}`;
    const last = store.snapshots.find(caller.tenant, device);
    if (last?.digest === digest) {
      ledger.emit('config_backup.snapshot.duplicate_skipped', {
        ...attempt,
        data: { resourceType, duplicateOf: last.digest, digest },
      });
      return { kept: false, digest };
    }

    store.snapshots.put({ id: device, tenant: caller.tenant, digest, lines });
    ledger.emit('config_backup.snapshot.created', {
      ...attempt,
      data: { resourceType, snapshotId: digest, digest, bytes: Buffer.byteLength(configuration) },
    });
    if (last !== undefined) {
      const [before, after] = [new Set(last.lines), new Set(lines)];
      ledger.emit('config_backup.diff.generated', {
        ...attempt,
        data: {
          resourceType,
          fromSnapshotId: last.digest,
          toSnapshotId: digest,
          addedLines: lines.filter((line) => !before.has(line)).length,
          removedLines: last.lines.filter((line) => !after.has(line)).length,
        },
      });
    }
    return reply.code(201).send({ kept: true, digest });
  });
}
