import fastify, { type FastifyInstance } from 'fastify';
import { LedgerlineError } from 'ledgerline';
import { auditFastify } from 'ledgerline/fastify';
import { ledgerMetrics } from 'ledgerline/metrics';
import { Registry } from 'prom-client';
import { ZodError } from 'zod';
import { appRoutes } from './areas/apps.ts';
import { backupCollectorRoutes } from './areas/backup-collectors.ts';
import { configBackupRoutes } from './areas/config-backups.ts';
import { contactRoutes } from './areas/contacts.ts';
import { deployKeyRoutes } from './areas/deploy-keys.ts';
import { domainRoutes } from './areas/domains.ts';
import { envVarRoutes } from './areas/env-vars.ts';
import { firewallRoutes } from './areas/firewall.ts';
import { gatewayRoutes } from './areas/gateway.ts';
import { serverRoutes } from './areas/servers.ts';
import { sessionRoutes } from './areas/sessions.ts';
import { teamRoutes } from './areas/team.ts';
import { tokenRoutes } from './areas/tokens.ts';
import { identifyBy } from './caller.ts';
import type { Panel } from './panel.ts';
import { Store } from './store.ts';
import { tokensInMemory, type Tokens } from './tokens.ts';

const AREAS = [
  serverRoutes,
  firewallRoutes,
  appRoutes,
  envVarRoutes,
  deployKeyRoutes,
  domainRoutes,
  contactRoutes,
  gatewayRoutes,
  configBackupRoutes,
  backupCollectorRoutes,
  teamRoutes,
  tokenRoutes,
  sessionRoutes,
];

/**
 * The control panel over HTTP. What it knows it keeps in memory, its tokens where it is told to;
 * what happens goes to the ledger.
 */
export function buildService(
  ledger: Panel['ledger'],
  tokens: Tokens = tokensInMemory(ledger),
): FastifyInstance {
  const http = fastify();
  http.addHook('onClose', () => tokens.close());
  const panel: Panel = { ledger, store: new Store(), tokens };
  http.register(
    auditFastify(ledger, {
      identify: identifyBy(panel.store),
      // The address of whoever stands behind the proxy on this machine.
      trustedProxies: ['loopback'],
      // What is nothing but a request is an event by its route; the areas say all else.
      audit: { 'GET /health': 'health_check' },
    }),
  );
  http.setErrorHandler((error: Error, _request, reply) => {
    if (error instanceof ZodError) {
      const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      return reply.code(400).send({ code: 'BODY_INVALID', message: faults.join('; ') });
    }
    // What has to be on record cannot be done while the record cannot be kept.
    if (error instanceof LedgerlineError) {
      return reply.code(503).send({ code: error.code, message: error.message });
    }
    return reply.send(error);
  });
  for (const area of AREAS) area(http, panel);
  http.get('/stats', () => ledger.stats());
  const registry = new Registry();
  ledgerMetrics(ledger, { registry });
  http.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType);
    return registry.metrics();
  });
  return http;
}
