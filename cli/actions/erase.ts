import {
  type ClickHouse,
  checkReason,
  erase,
  type Erasure,
  ErasureIncomplete,
  EVERY_TENANT,
  findTraces,
  type Person,
  totalOf,
  type Traces,
  type UnfinishedErasure,
  unfinishedErasures,
  unfinishedOf,
} from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { tracesLines, unfinishedLine } from '../erasure/report.ts';
import { EXIT } from '../exit-codes.ts';
import { sayWaiting } from '../holds/waiting.ts';
import { operatorName } from '../operator-name.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { safeJson } from '../search/json.ts';
import {
  answerColours,
  asideColours,
  counted,
  goOnWithoutReader,
  print,
  say,
} from '../terminal.ts';

export interface EraseOptions {
  readonly tenant?: readonly string[];
  readonly reason?: string;
  readonly actor?: string;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly json?: true;
}

export async function runErase(identifiers: string[], options: EraseOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const person: Person = { identifiers, tenant: options.tenant ?? EVERY_TENANT };
  checkReason(person, options.reason);
  goOnWithoutReader();
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const traces = await findTraces(clickhouse, person);
    const own = await unfinishedOf(clickhouse, person);
    const completes = own.map(({ id }) => id);
    const unfinished = await unfinishedErasures(clickhouse);
    for (const other of unfinished.filter(({ id }) => !completes.includes(id))) {
      say(asideColours.yellow(unfinishedLine(other)));
    }
    if (!options.json) for (const line of tracesLines(traces)) print(line);
    if (!options.json) for (const line of own.map(completedLine)) print(line);
    const nothing = totalOf(traces) === 0 && own.length === 0;
    if (options.dryRun || nothing) {
      if (options.json) print(safeJson({ erased: false, ...traces, completes, unfinished }));
      else print(nothing ? 'there is nothing to erase' : 'nothing was erased: --dry-run');
      return;
    }
    const sure = options.yes || (await confirmed('Erase it? It cannot be had back.'));
    if (!sure) {
      say('nothing was erased');
      process.exitCode = EXIT.faults;
      return;
    }
    const done = await onRecord(environment, clickhouse, person, options);
    if (options.json) {
      print(safeJson({ ...done, erased: true, traces: done.erased, completes }));
    } else {
      print(answerColours.green(`erased, and no longer found: ${done.id}`));
      print(
        `${counted(done.replacedParts, 'part')} with the old values leave the disk within about 8 minutes; Kafka keeps its messages until its own retention removes them (docs/erasure.md)`,
      );
    }
  });
}

/** What is erased cannot be had back: its beginning is on record before, its end before it counts as ended. */
async function onRecord(
  environment: Environment,
  clickhouse: ClickHouse,
  person: Person,
  { tenant, reason, actor = operatorName() }: EraseOptions,
): Promise<Erasure> {
  await using record = await OperatorRecord.open(environment);
  const about = {
    identifiers: person.identifiers.length,
    ...(tenant && { tenants: tenant }),
  };
  const erased = (done: Erasure, incomplete?: ErasureIncomplete): Promise<void> =>
    record.add({
      type: 'ledger.person.erased',
      data: { erasure: done.id, ...counts(done.erased), ...about },
      reason,
      actor,
      ...(incomplete && { error: { code: incomplete.code, message: incomplete.message } }),
    });
  try {
    return await erase(clickhouse, person, {
      actor,
      reason,
      onWait: sayWaiting,
      onBegun: ({ id, resumed, found }) =>
        record.add({
          type: 'ledger.erasure.started',
          data: { erasure: id, resumed, ...counts(found), ...about },
          reason,
          actor,
        }),
      onErased: (done) => erased(done),
    });
  } catch (error) {
    if (error instanceof ErasureIncomplete) await erased(error.erasure, error);
    throw error;
  }
}

const completedLine = ({ id, beganAt }: UnfinishedErasure): string =>
  `this completes the erasure ${id}, which began ${beganAt} and has not ended`;

const counts = (traces: Traces): { readonly events: number; readonly quarantined: number } => ({
  events: totalOf(traces) - traces.quarantined - traces.records,
  quarantined: traces.quarantined,
});
