import { isErased, notReplayable } from '../../consumers/quarantine/candidate.ts';
import { formatMessageId } from '../../consumers/quarantine/message-id.ts';
import {
  type FaultPlace,
  placeOfFault,
  rejudge,
  type Standards,
} from '../../consumers/quarantine/rejudge.ts';
import type { Resolution, WholeMessage } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count } from '../terminal.ts';
import { messageView } from './message-view.ts';

type Resolved = Resolution & { readonly resolvedAt: string };

/** Everything that is known of a message, for programs. Pure. */
export interface ShownMessage {
  readonly id: string;
  readonly topicId: string;
  readonly reason: string;
  readonly error: string;
  readonly state: string;
  readonly quarantinedAt: string;
  readonly receivedAt: string;
  readonly bytes: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the message says of itself, as far as it can be read. */
  readonly says: Readonly<Record<string, string | number>>;
  /** How it would fare today. */
  readonly today: { readonly passes: boolean; readonly reason?: string; readonly error?: string };
  readonly fault: FaultPlace | undefined;
  readonly resolutions: readonly Resolved[];
  /** The message as text; `undefined` where it is no UTF-8. */
  readonly text: string | undefined;
  readonly base64: string;
}

const SAID = [
  'event_id',
  'event_type',
  'occurred_at',
  'tenant_id',
  'service',
  'producer_id',
  'producer_seq',
] as const;

export function shownMessage(
  message: WholeMessage,
  resolutions: readonly Resolved[],
  standards: Standards,
  isAmbiguous: boolean,
): ShownMessage {
  const text = message.message.toString('utf8');
  const never = notReplayable(message);
  const rejection = never ? undefined : rejudge(message.message, standards);
  return {
    id: formatMessageId(message, isAmbiguous),
    topicId: message.topicId,
    reason: message.reason,
    error: message.error,
    state: message.state,
    quarantinedAt: new Date(message.quarantinedAtMs).toISOString(),
    receivedAt: new Date(message.timestampMs).toISOString(),
    bytes: message.bytes,
    key: message.key,
    headers: message.headers,
    says: said(text),
    today:
      never !== undefined
        ? {
            passes: false,
            reason: isErased(message) ? 'erased' : message.reason,
            error: never.error,
          }
        : { passes: rejection === undefined, ...rejection },
    fault: rejection && placeOfFault(text, rejection),
    resolutions,
    text: Buffer.from(text).equals(message.message) ? text : undefined,
    base64: message.message.toString('base64'),
  };
}

function said(text: string): Record<string, string | number> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const row = parsed as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    SAID.flatMap((name) => {
      const value = row[name];
      return typeof value === 'string' || typeof value === 'number' ? [[name, value]] : [];
    }),
  );
}

/** The same for people: every line is safe for a terminal. Pure. */
export function shownLines(shown: ShownMessage, text: string): string[] {
  const { bold, dim, green, red } = answerColours;
  const field = (name: string, value: string): string =>
    `${dim(name.padEnd(12))} ${safeText(value)}`;
  const lines = [
    bold(shown.id),
    field('reason', `${shown.reason}: ${shown.error}`),
    `${dim('today'.padEnd(12))} ${today(shown, green, red)}`,
    field('state', shown.state),
    ...shown.resolutions.map((one) => field('', resolutionLine(one))),
    field('quarantined', shown.quarantinedAt),
    field('received', shown.receivedAt),
    field('topic id', shown.topicId),
    field('key', shown.key === '' ? '(none)' : shown.key),
    ...Object.entries(shown.headers).map(([name, value], index) =>
      field(index === 0 ? 'headers' : '', `${name}: ${value}`),
    ),
    ...Object.entries(shown.says).map(([name, value]) => field(name, String(value))),
    field('bytes', count(shown.bytes)),
  ];
  if (text === '') return lines;
  return [...lines, '', ...messageLines(text, shown.fault)];
}

function today({ today: now }: ShownMessage, good: Paint, bad: Paint): string {
  if (now.passes) return good('passes: it can be replayed as it is');
  if (now.reason === 'erased') return bad(`${now.error ?? ''}; it cannot be replayed`);
  if (now.reason === 'duplicate' || now.reason === 'accepted_loss') {
    return 'cannot be replayed: there is no message to send';
  }
  return bad(safeText(`rejected as ${now.reason}: ${now.error}`));
}

type Paint = (text: string) => string;

const resolutionLine = (one: Resolved): string =>
  [
    `${one.state} ${one.resolvedAt} by ${one.resolvedBy}`,
    one.state === 'replayed' &&
      `to ${one.replayedTopic}/${one.replayedPartition}${one.replayedOffset < 0 ? '' : `@${one.replayedOffset}`}`,
    one.reason,
  ]
    .filter((part) => part !== false && part !== '')
    .join(', ');

/** The message with its fault marked below the line where it stands. */
function messageLines(text: string, fault: FaultPlace | undefined): string[] {
  const { red } = answerColours;
  const view = messageView(text, fault);
  const lines = view.lines.flatMap((line, index) => {
    if (index !== view.faultLine || !fault) return [`  ${line}`];
    const where = fault.pointer ?? `line ${fault.line}, column ${fault.column}`;
    const what =
      fault.problem === undefined ? safeText(where) : safeText(`${where}: ${fault.problem}`);
    return [
      `${red('>')} ${line}`,
      red(`  ${' '.repeat(view.from)}${'^'.repeat(Math.max(1, view.to - view.from))} ${what}`),
    ];
  });
  if (view.hidden > 0) {
    lines.push(`  … ${count(view.hidden)} more characters: --raw gives all`);
  }
  return lines;
}
