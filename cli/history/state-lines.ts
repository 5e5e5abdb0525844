import type { EventRef, Gap, TargetState, UnknownField } from '../../clickhouse/index.ts';
import { safeText } from '../safe-text.ts';
import { partyText } from '../search/event-line.ts';
import { lineOf, paint } from '../search/painted.ts';
import { clockTime, relativeTime } from '../search/times.ts';
import { count } from '../terminal.ts';

export interface Look {
  readonly nowMs: number;
  readonly timeZone: string;
  readonly columns?: number | undefined;
}

const WHY: Readonly<Record<UnknownField['why'], string>> = {
  beginning: 'set before the first event that there is',
  not_told: 'the event does not say it',
  redacted: 'redacted: the ledger never held it',
  erased: 'erased',
  truncated: 'too large to be stored whole',
  contradicted: 'events do not fit together there',
  outcome: 'nobody said whether the change succeeded',
};

const GAPS: Readonly<Record<Gap['kind'], string>> = {
  sampled: 'stands for several events, the others were not kept',
  filtered: 'was kept under a level that keeps no changes',
  contradicted: 'does not fit what was there: something before it is missing',
  untold: 'is an update that names no changes',
  outcome: 'does not say whether it succeeded',
};

const EXISTENCE: Readonly<Record<TargetState['existence'], string>> = {
  exists: 'exists',
  deleted: 'is deleted',
  absent: 'did not exist yet',
  unknown: 'is not known: no event tells of it',
};

const MAX_SHOWN = 20;

/** A record as people read it: what it is, how sure that is, who said what, and what is not known. */
export function stateLines(state: TargetState, look: Look): string[] {
  const { record, fields, unknown } = state;
  const json = record === undefined ? [] : JSON.stringify(record, undefined, 2).split('\n');
  return [
    lineOf([
      paint(partyText(state.target), 'bold'),
      paint(` ${EXISTENCE[state.existence]}`),
      paint(`  at ${clockTime(Date.parse(state.at), look.timeZone)}`, 'dim'),
    ]),
    lineOf([certaintyOf(state, look)]),
    ...eventLines('created', state.created, look),
    ...eventLines('deleted', state.deleted, look),
    ...eventLines('last', state.last, look),
    ...(json.length === 0 ? [] : ['', ...json.map((line) => safeText(line))]),
    ...section('said by', fields.slice(0, MAX_SHOWN), ({ path, since, until, certain, absent }) =>
      lineOf([
        paint(`  ${pathText(path)}`),
        paint(`  ${certain ? '' : 'perhaps changed since, '}${saidBy(since, until, look)}`, 'dim'),
        paint(absent === true ? '  (removed)' : '', 'dim'),
      ]),
    ),
    ...more(fields.length),
    ...section('unknown', unknown.slice(0, MAX_SHOWN), ({ path, why, others }) =>
      lineOf([
        paint(
          `  ${others === true ? `all else ${path === '' ? '' : `in ${safeText(path)}`}`.trim() : pathText(path)}`,
          'yellow',
        ),
        paint(`  ${WHY[why]}`, 'dim'),
      ]),
    ),
    ...more(unknown.length),
    ...gapLines(state.gaps, state.gapCount, look),
  ];
}

/** What events do not tell. */
export const gapLines = (gaps: readonly Gap[], gapCount: number, look: Look): string[] => [
  ...section('gaps', gaps.slice(0, MAX_SHOWN), ({ kind, event, paths = [] }) =>
    lineOf([
      paint(`  ${refText(event, look)}`, 'yellow'),
      paint(`  ${GAPS[kind]}${paths.length > 0 ? `: ${safeText(paths.join(' '))}` : ''}`, 'dim'),
    ]),
  ),
  ...more(gapCount),
];

/** One target of an inventory on one line. */
export function inventoryLine(state: TargetState, look: Look, showTenant: boolean): string {
  const { target, record, created, last, certain, tenant } = state;
  const since = created ?? state.first;
  const ago = (ref: EventRef | undefined): string =>
    ref === undefined ? '' : relativeTime(Date.parse(ref.occurredAt), look.nowMs);
  return lineOf(
    [
      paint(partyText(target), 'bold'),
      ...(showTenant ? [paint(`  [${safeText(tenant ?? '')}]`, 'dim')] : []),
      paint(
        `  ${created === undefined ? 'seen' : 'created'} ${ago(since)}, changed ${ago(last)}`,
        'dim',
      ),
      paint(certain ? '' : '  not all known', 'yellow'),
      paint(record === undefined ? '' : `  ${safeText(JSON.stringify(record))}`),
    ],
    look.columns,
  );
}

function certaintyOf(state: TargetState, { timeZone }: Look): ReturnType<typeof paint> {
  const { certain, certainSince, first, events } = state;
  const ofEvents = `${count(events)} ${events === 1 ? 'event' : 'events'}`;
  if (certain) {
    const since =
      certainSince === undefined ? '' : ` since ${clockTime(Date.parse(certainSince), timeZone)}`;
    return paint(`certain${since}, from ${ofEvents}`, 'green');
  }
  const from =
    first === undefined
      ? ''
      : `, the first of ${clockTime(Date.parse(first.occurredAt), timeZone)}`;
  return paint(`not all is certain: rebuilt from ${ofEvents}${from}`, 'yellow');
}

const eventLines = (name: string, ref: EventRef | undefined, look: Look): string[] =>
  ref === undefined ? [] : [lineOf([paint(name.padEnd(9), 'dim'), paint(refText(ref, look))])];

const refText = ({ id, type, occurredAt, actor }: EventRef, { timeZone }: Look): string =>
  `${clockTime(Date.parse(occurredAt), timeZone)}  ${safeText(type)}  ${partyText(actor)}  ${safeText(id)}`;

/** An event up to then made it so, or a later one has told what it changed. */
const saidBy = (since: EventRef | undefined, until: EventRef | undefined, look: Look): string =>
  [
    ...(since === undefined ? [] : [refText(since, look)]),
    ...(until === undefined ? [] : [`until ${refText(until, look)}`]),
  ].join(', ');

const pathText = (path: string): string => (path === '' ? '(the whole record)' : safeText(path));

const section = <T>(name: string, items: readonly T[], line: (item: T) => string): string[] =>
  items.length === 0 ? [] : ['', lineOf([paint(name, 'dim')]), ...items.map(line)];

const more = (all: number): string[] =>
  all > MAX_SHOWN ? [lineOf([paint(`  and ${count(all - MAX_SHOWN)} more (--json)`, 'dim')])] : [];
