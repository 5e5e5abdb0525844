import { parseMessageId } from '../../consumers/quarantine/message-id.ts';
import { openQuarantine } from '../../consumers/quarantine/open.ts';
import type { WholeMessage } from '../../consumers/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { UsageError } from '../failure.ts';
import { OperatorRecord } from '../operator-record.ts';
import { safeJson } from '../search/json.ts';
import { answerColours, asideColours, count, print, say } from '../terminal.ts';
import { cursorOf, placeOf } from './cursor.ts';
import { messageTable, summaryTable } from './list-report.ts';
import type { Filters } from './options.ts';
import { described, filtered } from './selecting.ts';
import { shownLines, shownMessage } from './show-report.ts';
import { formatMessageId } from '../../consumers/quarantine/message-id.ts';
import type { ResolutionState } from '../../consumers/index.ts';

export interface ListOptions extends Filters {
  readonly reason?: readonly string[];
  readonly state: ResolutionState | 'all';
  readonly limit: number;
  readonly after?: string;
  readonly actor?: string;
  readonly json?: true;
}
export interface ShowOptions {
  readonly raw?: true;
  readonly actor?: string;
  readonly json?: true;
}

export async function listMessages(options: ListOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const named = [...(options.fault ?? []), ...(options.reason ?? [])];
  const { state, limit, after } = options;
  const selection = filtered({ ...options, ...(named.length > 0 && { fault: named }) }, state);
  const place = after === undefined ? undefined : placeOf(after);
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const { store } = await openQuarantine(clickhouse, environment.worker.maxMessageBytes);
    const summary = await store.summary({ ...selection, state: undefined });
    const messages = await store.page(selection, limit, place);
    const ambiguous = await store.ambiguousTopics();
    const last = messages.length === limit ? messages.at(-1) : undefined;
    const next = last === undefined ? null : cursorOf(last);
    if (options.json) {
      const listed = messages.map(({ quarantinedAtMs, ...message }) => ({
        id: formatMessageId(message, ambiguous.has(message.topic)),
        ...message,
        quarantinedAt: new Date(quarantinedAtMs).toISOString(),
      }));
      print(safeJson({ summary, messages: listed, next }));
    } else if (summary.length === 0) {
      print('nothing is in quarantine that fits');
    } else {
      print(summaryTable(summary));
      if (messages.length > 0) print(messageTable(messages, ambiguous));
      else say(asideColours.dim(`none is ${state}: --state all lists every one`));
      if (next !== null) {
        say(asideColours.dim(`the newest ${count(messages.length)}; go on with --after ${next}`));
      }
    }
    await using record = await OperatorRecord.open(environment);
    await record.add({
      type: 'ledger.quarantine.read',
      actor: options.actor,
      data: { command: 'list', selection: described(selection), messages: messages.length },
    });
  });
}

export async function showMessage(id: string, options: ShowOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const parsed = parseMessageId(id);
  if (options.raw && process.stdout.isTTY) {
    throw new UsageError(
      'The bytes of a stranger are not for a terminal.',
      `Send them to a file: ledgerline quarantine show ${id} --raw > message.bin`,
    );
  }
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const { store, standards } = await openQuarantine(
      clickhouse,
      environment.worker.maxMessageBytes,
    );
    const positions = await store.positions([parsed]);
    const [position] = positions;
    const [message] = position ? await store.whole(position, [position.offset]) : [];
    if (!position || !message) throw new Error('a message went away while it was read');
    const resolutions = await store.resolutions(position);
    const isAmbiguous = (await store.ambiguousTopics()).has(position.topic);
    // Contents may be personal data: nobody reads them off the record.
    await using record = await OperatorRecord.open(environment);
    await record.add({
      type: 'ledger.quarantine.read',
      actor: options.actor,
      data: { command: 'show', selection: described({ positions }), messages: 1 },
    });
    if (options.raw) {
      printRaw(message);
      return;
    }
    const shown = shownMessage(message, resolutions, standards, isAmbiguous);
    if (options.json) print(safeJson(shown));
    else for (const line of shownLines(shown, message.message.toString('utf8'))) print(line);
  });
}

function printRaw({ message, reason }: WholeMessage): void {
  if (message.length === 0) {
    say(answerColours.dim(`there are no bytes: a message quarantined as ${reason} has none`));
  }
  process.stdout.write(message);
}
