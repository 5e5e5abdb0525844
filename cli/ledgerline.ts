#!/usr/bin/env node
import { CommanderError } from 'commander';
import { exitCodeOf, traceLines } from './failure.ts';
import { complain, program } from './program.ts';
import { endQuietlyWithReader, printed, say } from './terminal.ts';

const wantsTraces = (): boolean =>
  process.argv.includes('--debug') ||
  ['debug', 'trace'].includes(process.env['LEDGERLINE_LOG_LEVEL'] ?? '');

endQuietlyWithReader();
try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // The option parser has spoken for itself.
  if (!(error instanceof CommanderError)) {
    complain(error);
    if (wantsTraces()) for (const line of traceLines(error)) say(line);
  }
}
await printed();
// Kafka's client goes on trying in the background after a deadline; nobody waits for that.
process.exit();
