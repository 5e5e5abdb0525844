import { pino } from 'pino';
import {
  migrateOutbox,
  outboxSql,
  outboxStatus,
  rejectedEvents,
  retryRejected,
  startRelay,
  type OutboxRoles,
} from '../../outbox/index.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { deliveryFrom } from '../kafka-connection.ts';
import { outboxUrl, withOutbox } from '../outbox/connection.ts';
import { rejectedTable, statusLines } from '../outbox/report.ts';
import { counted, goOnWithoutReader, print } from '../terminal.ts';

export interface RoleOptions {
  readonly serviceRole?: string;
  readonly relayRole?: string;
  readonly json?: true;
}

export interface RetryOptions {
  readonly all?: true;
  readonly json?: true;
}

export async function runMigrate(options: RoleOptions): Promise<void> {
  goOnWithoutReader();
  const environment = readEnvironment(process.env);
  const { schema } = environment.outbox;
  const applied = await withOutbox(environment, (session) =>
    migrateOutbox(session, schema, rolesOf(options)),
  );
  if (options.json) {
    print(JSON.stringify({ schema, applied }));
    return;
  }
  for (const name of applied) print(`applied ${name} to schema ${schema}`);
  if (applied.length === 0) print(`the outbox in schema ${schema} is up to date`);
}

export async function runSql(options: RoleOptions): Promise<void> {
  const { outbox } = readEnvironment(process.env);
  print((await outboxSql(outbox.schema, rolesOf(options))).trimEnd());
}

export async function runRelay(): Promise<void> {
  process.exitCode = await relay();
}

export async function runStatus({ json }: { readonly json?: true }): Promise<void> {
  const status = await withOutbox(readEnvironment(process.env), outboxStatus);
  if (json) print(JSON.stringify(status));
  else for (const line of statusLines(status)) print(line);
}

export async function runRejected({ json }: { readonly json?: true }): Promise<void> {
  const events = await withOutbox(readEnvironment(process.env), (session, schema) =>
    rejectedEvents(session, schema),
  );
  if (json) print(JSON.stringify(events));
  else print(events.length === 0 ? 'nothing was set aside' : rejectedTable(events));
}

export async function runRetry(ids: string[], { all, json }: RetryOptions): Promise<void> {
  goOnWithoutReader();
  const which = idsOf(ids, all === true);
  const retried = await withOutbox(readEnvironment(process.env), (session, schema) =>
    retryRejected(session, schema, which),
  );
  if (json) print(JSON.stringify({ retried }));
  else print(`${counted(retried, 'event')} put back`);
  if (which !== 'all' && retried < new Set(which).size) process.exitCode = EXIT.faults;
}

const rolesOf = ({ serviceRole, relayRole }: RoleOptions): OutboxRoles => ({
  service: serviceRole,
  relay: relayRole,
});

async function relay(): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  const { logLevel } = environment.worker;
  using interruption = interruptible();
  const running = await startRelay({
    ...environment.outbox,
    url: outboxUrl(environment),
    ...deliveryFrom(environment),
    logger: pino({
      level: logLevel,
      base: { pid: process.pid },
      serializers: { error: pino.stdSerializers.err },
    }),
  });
  const stop = (): void => void running.stop();
  if (interruption.signal.aborted) stop();
  interruption.signal.addEventListener('abort', stop, { once: true });
  await running.done;
  return EXIT.fine;
}

function idsOf(ids: readonly string[], all: boolean): readonly string[] | 'all' {
  if (all && ids.length === 0) return 'all';
  if (!all && ids.length > 0 && ids.every((id) => /^\d{1,18}$/.test(id))) return ids;
  throw new UsageError('Which events?', 'Give their ids as numbers, or --all.');
}
