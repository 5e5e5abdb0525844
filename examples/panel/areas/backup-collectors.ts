import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const resource = { resourceType: z.string().min(1) };
const details = z.record(z.string(), z.unknown()).optional();

/** What the collectors out in the networks send; they were built before this ledger. */
const Report = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('config_snapshot_created'),
    ...resource,
    snapshotId: z.string().min(1),
    details,
  }),
  z.strictObject({ action: z.literal('config_snapshot_skipped_duplicate'), ...resource, details }),
  z.strictObject({ action: z.literal('config_diff_generated'), ...resource, details }),
  z.strictObject({ action: z.literal('config_backup_manual_trigger'), ...resource, details }),
]);

/**
 * The four events under the names they have always had. The catalog knows these as aliases, typed
 * like the types they stand for, so that old callers need not change and the ledger has one name.
 */
export function backupCollectorRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post<{ Params: { device: string } }>('/devices/:device/reports', (request, reply) => {
    demand(panel, new Caller(request, store), 'backups:run');
    const { action, ...data } = Report.parse(request.body);
    const { device } = request.params;
    const said = { target: { id: device } };
    // Whoever reports does so in the device's name: the event has both.
    const asDevice = ledger.actingAs({ type: 'device', id: device });
    const receipt =
      'snapshotId' in data
        ? asDevice.emit('config_snapshot_created', { ...said, data })
        : asDevice.emit(action as Exclude<typeof action, 'config_snapshot_created'>, {
            ...said,
            data,
          });
    return reply.code(202).send({ status: receipt.status });
  });
}
