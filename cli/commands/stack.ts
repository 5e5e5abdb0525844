import { Command, InvalidArgumentError } from 'commander';
import { DEFAULT_STACK_DIR } from '../../local/project-root.ts';
import type { StackCommandOptions } from '../actions/stack.ts';
import { CLICKHOUSE_PORT, KAFKA_PORT } from '../stack/ports.ts';

export const stackCommand = (): Command =>
  new Command('stack')
    .summary('run everything on this machine')
    .description(
      `Starts Kafka, the ClickHouse engine and a worker on 127.0.0.1, with topic and tables, and says
what to try next. Ctrl-C stops everything, the worker first. Started again on the same folder, it goes
on with what is there. Needs Java 17 and "npm run ready"; no Docker.`,
    )
    .option('--kafka-port <port>', 'where Kafka listens; 0: any free port', port, KAFKA_PORT)
    .option(
      '--clickhouse-port <port>',
      'where ClickHouse listens; 0: any free port',
      port,
      CLICKHOUSE_PORT,
    )
    .option('--data <folder>', 'where both keep their data', DEFAULT_STACK_DIR)
    .option('--json', 'print the addresses as one line of JSON when everything is ready')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline stack
  $ ledgerline stack --kafka-port 0 --clickhouse-port 0 --data /tmp/second-stack
  $ ledgerline stack --json | jq -r .clickhouseUrl`,
    )
    .action(async (options: StackCommandOptions) => {
      const { runStack } = await import('../actions/stack.ts');
      await runStack(options);
    });

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  }
  return Number(text);
}
