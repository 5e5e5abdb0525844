import { once } from 'node:events';
import { discard } from '../../consumers/quarantine/discard.ts';
import { FrontDoor } from '../../consumers/quarantine/front-door.ts';
import { formatMessageId } from '../../consumers/quarantine/message-id.ts';
import { openQuarantine, type Quarantine } from '../../consumers/quarantine/open.ts';
import { replay, type ReplayOutcome } from '../../consumers/quarantine/replay.ts';
import { Transform } from '../../consumers/quarantine/transform.ts';
import type { Selection, WholeMessage } from '../../consumers/index.ts';
import { uuidv7 } from '../../schemas/uuid.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { failureCode, UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { operatingUser, type OperatorAct, OperatorRecord } from '../operator-record.ts';
import { safeText } from '../safe-text.ts';
import { counted, goOnWithoutReader, print, say } from '../terminal.ts';
import { confirmed } from './confirm.ts';
import type { Filters } from './options.ts';
import { messageProgress } from './progress.ts';
import { previewLine, replayLines, ReplayTally } from './replay-report.ts';
import { checkChoice, chosen, described } from './selecting.ts';

interface ResolveOptions extends Filters {
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly actor?: string;
  readonly json?: true;
}
export interface ReplayOptions extends ResolveOptions {
  readonly transform?: string;
  readonly transformTimeout: number;
  readonly reason: string;
}
export interface DiscardOptions extends ResolveOptions {
  readonly reason: string;
}

/** What a command works on: all that is known before anything is changed. */
interface Work {
  readonly environment: Environment;
  readonly quarantine: Quarantine;
  readonly selection: Selection;
  /** How many messages it is about; those resolved before are not among them. */
  readonly messages: number;
  readonly runId: string;
  readonly actor: string;
}

export async function replayMessages(
  ids: readonly string[],
  options: ReplayOptions,
): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  checkChoice(ids, options);
  await using transform =
    options.transform === undefined
      ? undefined
      : await Transform.load(options.transform, {
          messageTimeoutMs: options.transformTimeout * 1000,
          onOutput: (line) => say(`transform: ${safeText(line)}`),
        });
  return prepared(environment, ids, options, async (work) => {
    if (options.dryRun) return previewReplay(work, transform, options);
    if (!(await agreed(work, options, 'Send', 'to the topic again'))) return EXIT.faults;
    return sendAgain(work, transform, options);
  });
}

export async function discardMessages(
  ids: readonly string[],
  options: DiscardOptions,
): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  checkChoice(ids, options);
  if (options.reason.trim() === '') {
    throw new UsageError('--reason is empty.', 'Say why: whoever asks later reads it.');
  }
  return prepared(environment, ids, options, async (work) => {
    if (options.dryRun) return previewDiscard(work, options);
    if (!(await agreed(work, options, 'Discard', ''))) return EXIT.faults;
    return markDiscarded(work, options);
  });
}

async function prepared(
  environment: Environment,
  ids: readonly string[],
  options: ResolveOptions,
  use: (work: Work) => Promise<ExitCode>,
): Promise<ExitCode> {
  goOnWithoutReader();
  return withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    const quarantine = await openQuarantine(clickhouse, environment.worker.maxMessageBytes);
    const selection = await chosen(quarantine.store, ids, options);
    const partitions = await quarantine.store.partitions(selection);
    const messages = partitions.reduce((sum, one) => sum + one.messages, 0);
    const resolved = (selection.positions?.length ?? messages) - messages;
    if (resolved > 0) {
      say(
        `${counted(resolved, 'message')} resolved before: nothing more is done about ${resolved === 1 ? 'it' : 'them'}`,
      );
    }
    if (messages === 0) {
      if (options.json) print(JSON.stringify({ selected: 0 }));
      else say('nothing is open that fits');
      return EXIT.fine;
    }
    const actor = options.actor ?? operatingUser();
    return use({ environment, quarantine, selection, messages, runId: uuidv7(), actor });
  });
}

/** More than one message is asked about. */
async function agreed(
  { messages }: Work,
  { yes }: ResolveOptions,
  verb: string,
  rest: string,
): Promise<boolean> {
  if (yes || messages <= 1) return true;
  const question = `${verb} ${counted(messages, 'message')}${rest === '' ? '' : ` ${rest}`}?`;
  if (await confirmed(question)) return true;
  say('nothing was done');
  return false;
}

// -- replay --------------------------------------------------------------------------------------

async function sendAgain(
  work: Work,
  transform: Transform | undefined,
  options: ReplayOptions,
): Promise<ExitCode> {
  const { environment, messages } = work;
  const tally = new ReplayTally();
  const started = { ...(transform && { transform: transform.hash }) };
  const ended = await onRecord(
    work,
    'replay',
    options.reason,
    started,
    async (signal) => {
      const door = await FrontDoor.open({
        ...environment.worker.kafka,
        clientId: 'ledgerline-quarantine',
        connectionTimeoutMs: 3_000,
        requestTimeoutMs: 15_000,
      });
      const progress = messageProgress('Replaying', messages);
      try {
        await run(
          work,
          { door, transform, signal, reason: options.reason },
          (original, outcome) => {
            tally.add(formatMessageId(original), outcome);
            progress.add(1);
          },
        );
      } finally {
        progress.stop();
        await door.close();
      }
    },
    ({ runId, selection, interrupted }) => {
      const { sent, alreadyStored, sameEvent, left } = tally.counts;
      const counts = { sent, alreadyStored, sameEvent, left, refused: tally.refusedByCode };
      return {
        type: 'ledger.quarantine.replayed',
        data: { runId, selection, ...counts, interrupted, ...started },
      };
    },
  );
  if (options.json) print(JSON.stringify(summaryOf(work, tally, ended.interrupted)));
  else for (const line of replayLines(tally, false)) say(line);
  if (ended.interrupted) return EXIT.interrupted;
  return tally.counts.refused > 0 ? EXIT.faults : EXIT.fine;
}

async function previewReplay(
  work: Work,
  transform: Transform | undefined,
  options: ReplayOptions,
): Promise<ExitCode> {
  await recordRead(work, 'replay --dry-run');
  using interruption = interruptible();
  const { signal } = interruption;
  const tally = new ReplayTally();
  await run(work, { door: undefined, transform, signal, reason: '' }, async (original, outcome) => {
    const id = formatMessageId(original);
    tally.add(id, outcome);
    const line = options.json
      ? JSON.stringify({ id, ...previewOf(original, outcome) })
      : previewLine(id, original, outcome);
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  });
  if (options.json)
    print(JSON.stringify({ dryRun: true, ...summaryOf(work, tally, signal.aborted) }));
  else for (const line of replayLines(tally, true).slice(-1)) say(line);
  if (signal.aborted) return EXIT.interrupted;
  return tally.counts.refused > 0 ? EXIT.faults : EXIT.fine;
}

const run = (
  { quarantine, selection, runId, actor }: Work,
  how: {
    readonly door: FrontDoor | undefined;
    readonly transform: Transform | undefined;
    readonly signal: AbortSignal;
    readonly reason: string;
  },
  onOutcome: (original: WholeMessage, outcome: ReplayOutcome) => void | Promise<void>,
): Promise<void> =>
  replay({ ...quarantine, selection, runId, resolvedBy: actor, ...how, onOutcome });

const previewOf = (original: WholeMessage, outcome: ReplayOutcome): Record<string, unknown> => {
  const before = original.message.toString('utf8');
  if (outcome.kind !== 'would-send') return { ...outcome, before };
  return { kind: outcome.kind, before, after: outcome.message.toString('utf8') };
};

const summaryOf = (
  { runId, messages }: Work,
  { counts, refusals }: ReplayTally,
  interrupted: boolean,
): Record<string, unknown> => ({ runId, selected: messages, ...counts, refusals, interrupted });

// -- discard -------------------------------------------------------------------------------------

async function markDiscarded(work: Work, options: DiscardOptions): Promise<ExitCode> {
  const { quarantine, selection, runId, actor, messages } = work;
  let discarded = 0;
  const ended = await onRecord(
    work,
    'discard',
    options.reason,
    {},
    async (signal) => {
      const progress = messageProgress('Discarding', messages);
      try {
        await discard({
          ...quarantine,
          selection,
          runId,
          resolvedBy: actor,
          reason: options.reason,
          signal,
          onProgress: (more) => {
            discarded += more;
            progress.add(more);
          },
        });
      } finally {
        progress.stop();
      }
    },
    ({ interrupted, ...about }) => ({
      type: 'ledger.quarantine.discarded',
      data: { ...about, discarded, interrupted },
    }),
  );
  if (options.json) print(JSON.stringify({ runId, selected: messages, discarded, ...ended }));
  else say(`${counted(discarded, 'message')} discarded: they stay in quarantine, marked`);
  return ended.interrupted ? EXIT.interrupted : EXIT.fine;
}

async function previewDiscard(work: Work, options: DiscardOptions): Promise<ExitCode> {
  const { store } = work.quarantine;
  const summary = await store.summary(work.selection);
  await recordRead(work, 'discard --dry-run');
  if (options.json) print(JSON.stringify({ dryRun: true, selected: work.messages, summary }));
  else {
    for (const { reason, open } of summary)
      print(`${counted(open, 'message')}: ${safeText(reason)}`);
    say(`${counted(work.messages, 'message')} would be discarded`);
  }
  return EXIT.fine;
}

// -- on the record -------------------------------------------------------------------------------

const recordRead = async (
  { environment, actor, selection, messages }: Work,
  command: string,
): Promise<void> => {
  await using record = await OperatorRecord.open(environment);
  await record.add({
    type: 'ledger.quarantine.read',
    actor,
    data: { command, selection: described(selection), messages },
  });
};

interface Ending {
  readonly runId: string;
  readonly selection: Record<string, unknown>;
  readonly interrupted: boolean;
}

/**
 * Announces the work, does it, and records how it ended, also when it failed; only then is anything
 * reported.
 */
async function onRecord(
  { environment, runId, actor, selection, messages }: Work,
  action: 'replay' | 'discard',
  reason: string,
  more: Readonly<Record<string, unknown>>,
  work: (signal: AbortSignal) => Promise<void>,
  ending: (about: Ending) => Pick<OperatorAct, 'type' | 'data'>,
): Promise<{ readonly interrupted: boolean }> {
  using interruption = interruptible();
  const { signal } = interruption;
  await using record = await OperatorRecord.open(environment);
  const about = { runId, selection: described(selection) };
  const stated = reason === '' ? undefined : reason;
  await record.add({
    type: 'ledger.quarantine.resolution_started',
    actor,
    reason: stated,
    data: { action, ...about, messages, ...more },
  });
  const failures: unknown[] = [];
  await work(signal).catch((error: unknown) => failures.push(error));
  const { aborted: interrupted } = signal;
  const [failure] = failures;
  await record
    .add({
      ...ending({ ...about, interrupted }),
      actor,
      reason: stated,
      ...(failure !== undefined && { outcome: 'failure', error: { code: failureCode(failure) } }),
    })
    .catch((error: unknown) => failures.push(error));
  if (failures.length > 1) throw new AggregateError(failures, 'the work and its record failed');
  if (failures.length === 1) throw failures[0];
  return { interrupted };
}
