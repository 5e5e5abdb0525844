import type { AuditEvent, Outcome, Party, Severity } from '../../schemas/index.ts';
import { safeText } from '../safe-text.ts';
import { categoryIcon, OPERATION_SIGNS, OUTCOME_SIGNS } from './icons.ts';
import { lineOf, paint, type Painted } from './painted.ts';
import { clockTime, relativeTime } from './times.ts';

export interface LineOptions {
  readonly nowMs: number;
  readonly timeZone: string;
  /** On a terminal: icons, and lines cut to its width. */
  readonly columns?: number | undefined;
  /** Where events of several tenants can stand side by side. */
  readonly showTenant: boolean;
}

const OUTCOME_COLOURS = {
  success: 'green',
  failure: 'yellow',
  denied: 'red',
  unknown: 'dim',
} as const satisfies Record<Outcome, string>;

const SEVERITY_COLOURS: Readonly<Partial<Record<Severity, 'yellow' | 'red'>>> = {
  medium: 'yellow',
  high: 'red',
  critical: 'red',
};

/** One event on one line: when, what, by whom, to what, and what stands out. */
export function eventLine(event: AuditEvent, options: LineOptions): string {
  const ms = Date.parse(String(event.occurredAt));
  const notable = SEVERITY_COLOURS[event.severity];
  const icon = options.columns === undefined ? '' : `${categoryIcon(event.category)} `;
  const parts: Painted[] = [
    paint(`${clockTime(ms, options.timeZone)}  `, 'dim'),
    paint(`${relativeTime(ms, options.nowMs).padStart(10)}  `),
    paint(icon),
    paint(`${OUTCOME_SIGNS[event.outcome]} `, OUTCOME_COLOURS[event.outcome]),
    paint(`${OPERATION_SIGNS[event.operation]} `, 'dim'),
    paint(safeText(event.type), 'bold'),
    paint(`  ${partyText(event.actor)}`, 'cyan'),
    ...(event.target ? [paint(' → ', 'dim'), paint(partyText(event.target), 'magenta')] : []),
    ...(notable ? [paint(`  ${event.severity}`, notable)] : []),
    ...(event.outcome === 'success' ? [] : [paint(`  ${errorText(event)}`, 'red')]),
    ...(options.showTenant ? [paint(`  [${safeText(event.tenant)}]`, 'dim')] : []),
    paint(`  ${detailOf(event)}`, 'dim'),
    paint(`  ${event.id}`, 'dim'),
  ];
  return lineOf(parts, options.columns);
}

/** `user/u_7 (Alice)`. */
export function partyText({ type, id, name }: Party): string {
  const key = type === '' ? id : `${type}/${id}`;
  return safeText(name === undefined ? key : `${key} (${name})`);
}

const errorText = ({ outcome, error }: AuditEvent): string =>
  safeText([outcome, error?.code].filter(Boolean).join(' '));

/** What people would want to know first: the reason, the message, the changed fields. */
function detailOf({ changes, reason, message, policy }: AuditEvent): string {
  const paths = (changes ?? []).slice(0, 3).map(({ path }) => path);
  const more = (changes?.length ?? 0) - paths.length;
  return [
    message === undefined ? '' : safeText(message),
    paths.length === 0 ? '' : safeText(`${paths.join(' ')}${more > 0 ? ` +${more}` : ''}`),
    reason === undefined ? '' : safeText(`“${reason}”`),
    (policy?.weight ?? 1) > 1 ? `×${Number((policy?.weight ?? 1).toPrecision(6))}` : '',
  ]
    .filter((text) => text !== '')
    .join('  ');
}
