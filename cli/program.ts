import { Command } from 'commander';
import { detectCommand } from './commands/detect.ts';
import { accessCommand } from './commands/access.ts';
import { doctorCommand } from './commands/doctor.ts';
import { emitCommand } from './commands/emit.ts';
import { eraseCommand } from './commands/erase.ts';
import { exportCommand } from './commands/export.ts';
import { facetsCommand } from './commands/facets.ts';
import { historyCommand } from './commands/history.ts';
import { holdCommand } from './commands/hold.ts';
import { importCommand } from './commands/import.ts';
import { inventoryCommand } from './commands/inventory.ts';
import { migrateCommand } from './commands/migrate.ts';
import { outboxCommand } from './commands/outbox.ts';
import { policyCommand } from './commands/policy.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { queryCommand } from './commands/query.ts';
import { rebuildCommand } from './commands/rebuild.ts';
import { retentionCommand } from './commands/retention.ts';
import { searchCommand } from './commands/search.ts';
import { showCommand } from './commands/show.ts';
import { stackCommand } from './commands/stack.ts';
import { stateCommand } from './commands/state.ts';
import { tailCommand } from './commands/tail.ts';
import { undoCommand } from './commands/undo.ts';
import { verifyCommand } from './commands/verify.ts';
import { versionCommand } from './commands/version.ts';
import { workerCommand } from './commands/worker.ts';
import { failureLines } from './failure.ts';
import { asideColours, say } from './terminal.ts';
import { packageVersion } from './package-version.ts';

/** The whole command line. Errors are thrown to the caller, usage errors as CommanderError. */
export function program(): Command {
  const root = new Command('ledgerline')
    .description(
      'An append-only audit ledger: typed events through Kafka, exactly once into ClickHouse',
    )
    .version(packageVersion(), '-V, --version')
    .option('--debug', 'show stack traces of errors')
    .option('--config <file>', 'options by the names of environment variables, in YAML')
    .hook('preAction', (_, command) => {
      const { config } = command.optsWithGlobals<{ readonly config?: string }>();
      if (config !== undefined) process.env['LEDGERLINE_CONFIG_FILE'] = config;
    })
    .showHelpAfterError('Run it with --help for options and examples.')
    .configureOutput({
      outputError: (text, write) =>
        write(asideColours.red(text.replace(/^error: /, 'ledgerline: '))),
    })
    .addHelpText(
      'after',
      `
Where Kafka and ClickHouse are is said by environment variables (LEDGERLINE_KAFKA_BROKERS,
LEDGERLINE_CLICKHOUSE_URL, …), or by a file that has them (--config, LEDGERLINE_CONFIG_FILE):
.env.example has all of them with their defaults.

Exit codes: 0 fine, 1 faults were found or it could not be done, 2 asked for wrongly (nothing was
started), 130 interrupted.

Examples:
  $ ledgerline stack
  $ echo '{"type":"app.created","actor":{"type":"user","id":"u_7"},"target":{"id":"app_1"}}' | ledgerline emit
  $ ledgerline search 'outcome:denied since:1d'
  $ ledgerline query 'SELECT event_type, count() FROM audit_events GROUP BY 1 ORDER BY 2 DESC'
  $ ledgerline verify`,
    )
    .exitOverride();
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Run it:': [stackCommand(), migrateCommand(), workerCommand(), doctorCommand()],
    'Feed it:': [emitCommand(), importCommand(), outboxCommand(), policyCommand()],
    'Ask it:': [
      searchCommand(),
      tailCommand(),
      showCommand(),
      historyCommand(),
      stateCommand(),
      undoCommand(),
      inventoryCommand(),
      facetsCommand(),
      detectCommand(),
      queryCommand(),
      exportCommand(),
    ],
    'Keep it:': [
      retentionCommand(),
      holdCommand(),
      eraseCommand(),
      quarantineCommand(),
      verifyCommand(),
      rebuildCommand(),
      accessCommand(),
    ],
    'Other:': [versionCommand()],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) root.addCommand(inherit(command, root).helpGroup(heading));
  }
  return root;
}

/** Subcommands made apart do not inherit their parent's ways by themselves. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inherit(inner, command);
  return command;
}

/** Says why it failed, in one line where it is one fault. */
export function complain(error: unknown): void {
  const [first = '', ...more] = failureLines(error);
  say(`${asideColours.red('ledgerline:')} ${first}`);
  for (const line of more) say(line);
}
