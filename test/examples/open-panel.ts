import type { PolicyOptions } from 'ledgerline';
import { ledgerMatchers, testLedger } from 'ledgerline/testing';
import 'ledgerline/testing/vitest';
import { expect, onTestFinished } from 'vitest';
import { catalog } from '../../examples/panel/catalog.ts';
import { redactionWith } from '../../examples/panel/secrets.ts';
import { buildService } from '../../examples/panel/service.ts';
import { tokensInPostgres } from '../../examples/panel/tokens.ts';

expect.extend(ledgerMatchers);

const newLedger = (policy: PolicyOptions) =>
  testLedger({
    service: 'control-panel',
    catalog,
    redaction: redactionWith('a key for tests, of 32 bytes …'),
    flushIntervalMs: 0,
    ...policy,
  });

/** The panel as a user meets it, with a ledger that keeps its events here, and its tokens in memory. */
export const openPanel = (policy: PolicyOptions = {}) => {
  const ledger = newLedger(policy);
  return panelOf(ledger, buildService(ledger));
};

/** With its tokens in a database, which has the outbox. */
export async function openPanelWith(databaseUrl: string) {
  const ledger = newLedger({});
  return panelOf(ledger, buildService(ledger, await tokensInPostgres(ledger, databaseUrl)));
}

function panelOf(ledger: ReturnType<typeof newLedger>, service: ReturnType<typeof buildService>) {
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
    ledger,
    service,
    as,
    admin,
    developer: as('u_3'),
    support: as('u_6'),
    viewer: as('u_8'),
    metrics: async (): Promise<string> => (await service.inject('/metrics')).body,
    async app() {
      const server = await admin('POST', '/servers', { name: 'web-1', region: 'fra', size: 's' });
      const app = await admin('POST', '/apps', { name: 'shop', serverId: server.json['id'] });
      return { server: server.json['id'], app: app.json['id'] };
    },
  };
}
