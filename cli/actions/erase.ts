import {
  erase,
  ErasureIncomplete,
  EVERY_TENANT,
  findTraces,
  type Person,
  totalOf,
  type Traces,
} from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { sayWaiting } from '../holds/waiting.ts';
import { operatorName } from '../operator-name.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { safeText } from '../safe-text.ts';
import { safeJson } from '../search/json.ts';
import { answerColours, count, counted, print, say } from '../terminal.ts';

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
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const traces = await findTraces(clickhouse, person);
    if (!options.json) for (const line of tracesLines(traces)) print(line);
    const nothing = totalOf(traces) === 0;
    if (options.dryRun || nothing) {
      if (options.json) print(safeJson({ erased: false, ...traces }));
      else print(nothing ? 'there is nothing to erase' : 'nothing was erased: --dry-run');
      return;
    }
    const sure = options.yes || (await confirmed('Erase it? It cannot be had back.'));
    if (!sure) {
      say('nothing was erased');
      process.exitCode = EXIT.faults;
      return;
    }
    await using record = await OperatorRecord.open(environment);
    // What was erased is on record, also where it was not all: it cannot be had back.
    let incomplete: ErasureIncomplete | undefined;
    const done = await erase(clickhouse, person, { onWait: sayWaiting }).catch((error: unknown) => {
      if (!(error instanceof ErasureIncomplete)) throw error;
      incomplete = error;
      return error.erasure;
    });
    await record.add({
      type: 'ledger.person.erased',
      data: {
        erasure: done.id,
        events: events(done.erased),
        quarantined: done.erased.quarantined,
        identifiers: identifiers.length,
        ...(options.tenant && { tenants: options.tenant }),
      },
      reason: options.reason,
      actor: options.actor ?? operatorName(),
      ...(incomplete && { error: { code: incomplete.code, message: incomplete.message } }),
    });
    if (incomplete) throw incomplete;
    if (options.json) print(safeJson({ ...done, erased: true, traces: done.erased }));
    else {
      print(answerColours.green(`erased, and no longer found: ${done.id}`));
      print(
        `${counted(done.replacedParts, 'part')} with the old values leave the disk within about 8 minutes; Kafka keeps its messages until its own retention removes them (docs/erasure.md)`,
      );
    }
  });
}

const events = (traces: Traces): number => totalOf(traces) - traces.quarantined - traces.records;

function tracesLines(traces: Traces): string[] {
  const { asParty, namedOnly, heldCopies, elsewhere, quarantined, records, holds } = traces;
  return [
    `as actor, target or related party: ${counted(asParty, 'event')}`,
    `named in a text alone: ${count(namedOnly)}`,
    `copies under holds: ${count(heldCopies)}`,
    ...elsewhere.map(
      (one) => `in the table ${safeText(one.table)}, beside the ledger: ${count(one.events)}`,
    ),
    `messages in quarantine: ${count(quarantined)}`,
    `records of holds and of quarantined messages: ${count(records)}`,
    ...holds.map(({ id, name }) =>
      answerColours.red(`forbidden by the hold ${id} (${safeText(name)})`),
    ),
  ];
}
