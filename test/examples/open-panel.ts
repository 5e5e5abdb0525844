import { createLedger, type AuditEvent, type PolicyOptions } from 'ledgerline';
import { memoryTransport } from 'ledgerline/testing';
import { onTestFinished } from 'vitest';
import { catalog } from '../../examples/panel/catalog.ts';
import { redactionWith } from '../../examples/panel/secrets.ts';
import { buildService } from '../../examples/panel/service.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The panel as a user meets it, with a ledger that keeps its events here. */
export function openPanel(policy: PolicyOptions = { level: 'all' }) {
  const transport = memoryTransport();
  const ledger = createLedger({
    service: 'control-panel',
    catalog,
    redaction: redactionWith('a key for tests, of 32 bytes …'),
    transport,
    ...policy,
    logger: silent,
    flushIntervalMs: 0,
  });
  const service = buildService(ledger);
  onTestFinished(async () => {
    await service.close();
    await ledger.close();
  });

  const as =
    (user: string, headers: Readonly<Record<string, string>> = {}) =>
    async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object) => {
      const reply = await service.inject({
        method,
        url,
        headers: { 'x-user': user, 'x-tenant': 'acme', ...headers },
        ...(body === undefined ? {} : { payload: body }),
      });
      const json = reply.body === '' ? undefined : reply.json<Record<string, string>>();
      return { status: reply.statusCode, json: json ?? {} };
    };
  const admin = as('u_1');
  return {
    transport,
    ledger,
    as,
    admin,
    developer: as('u_3'),
    support: as('u_6'),
    viewer: as('u_8'),
    /** Everything said so far, in the order of saying it. */
    async events(): Promise<AuditEvent[]> {
      await ledger.flush();
      const bySeq = (event: AuditEvent): number => event.producer?.seq ?? 0;
      return transport.events().toSorted((a, b) => bySeq(a) - bySeq(b));
    },
    metrics: async (): Promise<string> => (await service.inject('/metrics')).body,
    async app() {
      const server = await admin('POST', '/servers', { name: 'web-1', region: 'fra', size: 's' });
      const app = await admin('POST', '/apps', { name: 'shop', serverId: server.json['id'] });
      return { server: server.json['id'], app: app.json['id'] };
    },
  };
}
