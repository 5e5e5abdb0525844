import { Command } from 'commander';
import type { EmitOptions } from '../actions/emit.ts';
import { tenantId } from '../tenant.ts';

export const emitCommand = (): Command =>
  new Command('emit')
    .summary('record events from NDJSON')
    .description(
      `Reads one event per line and records it; ends when Kafka has all of them on all in-sync replicas.
A line is an event as the SDK's emit takes it, with its "type", or a wire row (told by its
"wire_version"). Types of the built-in catalogs are checked against their schema; a type of your own
needs a "category" of your own. A line that names its event's "id" and "occurredAt" may be emitted
again: it is stored once. Bad lines are reported by number, the rest goes on, and the exit code is 1.`,
    )
    .argument('[file...]', 'files to read; "-" or none: stdin')
    .option('--service <name>', 'who records, where a line does not say', 'cli')
    .option('--tenant <id>', 'whose event it is, where a line does not say', tenantId, 'default')
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '{"type":"app.created","actor":{"type":"user","id":"u_7"},"target":{"id":"app_1"}}' | ledgerline emit
  $ echo '{"type":"billing.invoice.sent","category":"billing","operation":"execute","actor":{"type":"system","id":"cron"}}' | ledgerline emit --service billing
  $ ledgerline emit --tenant acme events.ndjson more.ndjson`,
    )
    .action(async (files: string[], options: EmitOptions) => {
      const { runEmit } = await import('../actions/emit.ts');
      await runEmit(files, options);
    });
