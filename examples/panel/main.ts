/**
 * A control panel for servers and apps that keeps an audit trail.
 *
 * `npm run stack` in one terminal, `node dist/examples/panel/main.js` in another, and then:
 *
 *   curl -X POST localhost:3000/servers -H 'x-user: u_1' -H 'content-type: application/json' \
 *        -d '{"name":"web-1","region":"fra","size":"small"}'
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLedger, optionsFromEnv } from 'ledgerline';
import { catalog } from './catalog.ts';
import { redactionWith } from './secrets.ts';
import { buildService } from './service.ts';

const port = Number(process.env['PORT'] ?? 3000);

const ledger = createLedger({
  service: 'control-panel',
  catalog,
  redaction: redactionWith(process.env['PANEL_HASH_KEY'] ?? randomBytes(32)),
  // What must survive SIGKILL waits on disk: protected categories, by default.
  spool: { directory: process.env['PANEL_SPOOL'] ?? join(tmpdir(), 'control-panel-spool') },
  ...optionsFromEnv(process.env),
});
const service = buildService(ledger);

async function stop(): Promise<void> {
  // First the requests in hand, which still emit; then the ledger, which flushes.
  await service.close();
  const { left } = await ledger.close();
  process.exitCode = left === 0 ? 0 : 1;
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

const url = await service.listen({ host: '127.0.0.1', port });
process.stderr.write(`control-panel listens on ${url}\n`);
// For those who started this process with a channel, to know when, and on which port.
process.send?.({ url });
