import type { ReplayOutcome, WholeMessage } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';
import { count, counted } from '../terminal.ts';

/** What a replay came to, message by message counted. */
export interface ReplayCounts {
  sent: number;
  wouldSend: number;
  alreadyStored: number;
  sameEvent: number;
  left: number;
  refused: number;
}

/** Refusals of one cause: with many messages the causes are few. */
interface RefusalGroup {
  readonly code: string;
  readonly error: string;
  messages: number;
  /** The first ten. */
  readonly ids: string[];
}

const MAX_GROUPS = 100;
const MAX_IDS = 10;

/** Sums up outcomes in memory that does not grow with them. */
export class ReplayTally {
  readonly counts: ReplayCounts = {
    sent: 0,
    wouldSend: 0,
    alreadyStored: 0,
    sameEvent: 0,
    left: 0,
    refused: 0,
  };
  readonly #groups = new Map<string, RefusalGroup>();
  readonly #codes: Record<string, number> = {};

  add(id: string, outcome: ReplayOutcome): void {
    switch (outcome.kind) {
      case 'sent':
        this.counts.sent++;
        return;
      case 'would-send':
        this.counts.wouldSend++;
        return;
      case 'already-stored':
        this.counts.alreadyStored++;
        return;
      case 'same-event':
        this.counts.sameEvent++;
        return;
      case 'left':
        this.counts.left++;
        return;
      case 'refused':
        this.counts.refused++;
        this.#refusal(id, outcome.code, outcome.error);
    }
  }

  /** By cause, as events of the ledger tell it. */
  get refusedByCode(): Readonly<Record<string, number>> {
    return this.#codes;
  }

  /** The most frequent first. */
  get refusals(): readonly RefusalGroup[] {
    return [...this.#groups.values()].toSorted((a, b) => b.messages - a.messages);
  }

  #refusal(id: string, code: string, error: string): void {
    this.#codes[code] = (this.#codes[code] ?? 0) + 1;
    const known = this.#groups.get(`${code} ${error}`);
    const isFull = known === undefined && this.#groups.size >= MAX_GROUPS;
    const key = isFull ? 'others' : `${code} ${error}`;
    const group = this.#groups.get(key) ?? {
      code: isFull ? 'others' : code,
      error: isFull ? 'of other causes' : error,
      messages: 0,
      ids: [],
    };
    group.messages++;
    if (group.ids.length < MAX_IDS) group.ids.push(id);
    this.#groups.set(key, group);
  }
}

/** For people, after the fact. Pure. */
export function replayLines(tally: ReplayTally, isDryRun: boolean): string[] {
  const { sent, wouldSend, alreadyStored, sameEvent, left, refused } = tally.counts;
  const parts = [
    isDryRun
      ? `${counted(wouldSend, 'message')} would be sent`
      : `${counted(sent, 'message')} sent`,
    alreadyStored > 0 && `${count(alreadyStored)} in the ledger already`,
    sameEvent > 0 && `${count(sameEvent)} the same event as another`,
    left > 0 && `${count(left)} left as they are by the transform`,
    refused > 0 && `${count(refused)} refused, and still open`,
  ];
  return [
    ...tally.refusals.map(({ code, error, messages, ids }) => {
      const more = messages > ids.length ? ', …' : '';
      return `${count(messages)} × ${safeText(`${code}: ${error}`)} (${ids.join(', ')}${more})`;
    }),
    parts.filter((part) => part !== false).join(', '),
  ];
}

/** One message of a dry run, for people: what it would become. Pure. */
export function previewLine(id: string, original: WholeMessage, outcome: ReplayOutcome): string {
  switch (outcome.kind) {
    case 'would-send': {
      const changes = changesOf(original.message, outcome.message);
      return `${id}  would be sent${changes === '' ? ' as it is' : `: ${changes}`}`;
    }
    case 'refused':
      return `${id}  ${safeText(`refused, ${outcome.code}: ${outcome.error}`)}`;
    case 'already-stored':
      return `${id}  its event is in the ledger, at ${outcome.partition}@${outcome.offset}`;
    case 'same-event':
      return `${id}  the same event as a message before it`;
    case 'left':
      return `${id}  left as it is by the transform`;
    case 'sent':
      return `${id}  sent to ${outcome.partition}@${outcome.offset}`;
  }
}

const MAX_VALUE = 60;
const MAX_CHANGES = 12;

/** Which fields differ, as `weight: -1 → 1`; the whole text where the original is no JSON. */
function changesOf(before: Buffer, after: Buffer): string {
  if (before.equals(after)) return '';
  const [old, now] = [objectOf(before), objectOf(after)];
  if (old === undefined || now === undefined) return shown(after.toString('utf8'), 300);
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  const changed = names.flatMap((name) => {
    const [was, is] = [textOf(old[name]), textOf(now[name])];
    return was === is ? [] : [`${safeText(name)}: ${shown(was)} → ${shown(is)}`];
  });
  if (changed.length === 0) return 'written differently, with the same values';
  const more = changed.length - MAX_CHANGES;
  return changed.slice(0, MAX_CHANGES).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

const textOf = (value: unknown): string =>
  value === undefined ? '(absent)' : JSON.stringify(value);

const shown = (text: string, most = MAX_VALUE): string =>
  safeText(text.length > most ? `${text.slice(0, most)}…` : text);

function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
