/**
 * A control panel for servers and apps that keeps an audit trail.
 *
 * `npm run stack` in one terminal, `node dist/examples/panel/main.js` in another, and then:
 *
 *   curl -X POST localhost:3000/servers -H 'x-user: u_1' -H 'content-type: application/json' \
 *        -d '{"name":"web-1","region":"fra","size":"small"}'
 *
 * With PANEL_DATABASE_URL, its tokens and their events are in PostgreSQL: docs/outbox.md.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLedger, optionsFromEnv } from 'ledgerline';
import { catalog } from './catalog.ts';
import { redactionWith } from './secrets.ts';
import { buildService } from './service.ts';
import { tokensInMemory, tokensInPostgres } from './tokens.ts';

const port = Number(process.env['PORT'] ?? 3000);

const ledger = createLedger({
  service: 'control-panel',
  catalog,
  redaction: redactionWith(process.env['PANEL_HASH_KEY'] ?? randomBytes(32)),
  // What must survive SIGKILL waits on disk: protected categories, by default.
  spool: { directory: process.env['PANEL_SPOOL'] ?? join(tmpdir(), 'control-panel-spool') },
  // LEDGERLINE_KAFKA_COMPRESSION may say otherwise, as any variable may of what stands here.
  compression: 'lz4',
  ...optionsFromEnv(process.env),
  closeOn: ['SIGTERM', 'SIGINT'],
  // First the requests in hand, which still emit.
  closeAfter: () => service.close(),
});
// Who listens for the signal too says how the process ends: with 1, where events are left nowhere.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () =>
    process.once('exit', () => {
      process.exitCode = ledger.stats().lost.abandoned === 0 ? 0 : 1;
    }),
  );
}
const database = process.env['PANEL_DATABASE_URL'];
const service = buildService(
  ledger,
  database ? await tokensInPostgres(ledger, database) : tokensInMemory(ledger),
);

const url = await service.listen({ host: '127.0.0.1', port });
process.stderr.write(`control-panel listens on ${url}\n`);
// For those who started this process with a channel, to know when, and on which port.
process.send?.({ url });
