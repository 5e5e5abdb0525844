import type { AuditEvent } from '../../schemas/index.ts';
import { safeText } from '../safe-text.ts';
import { diffLines } from './diff.ts';
import { partyText } from './event-line.ts';
import { categoryIcon, OUTCOME_SIGNS } from './icons.ts';
import { lineOf, paint } from './painted.ts';
import { clockTime, relativeTime } from './times.ts';

/** Everything that is known of one event, a line each, the changes as a diff. */
export function eventPage(
  event: AuditEvent,
  { nowMs, timeZone }: { nowMs: number; timeZone: string },
): string[] {
  const occurred = String(event.occurredAt);
  const ms = Date.parse(occurred);
  const { producer, policy, error } = event;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['when', `${clockTime(ms, timeZone)} ${timeZone} (${relativeTime(ms, nowMs)}), ${occurred}`],
    ['id', event.id],
    ['category', `${event.category}, version ${event.version}`],
    ['operation', event.operation],
    ['severity', event.severity],
    ['tenant', event.tenant],
    ['actor', partyText(event.actor)],
    ['target', event.target && partyText(event.target)],
    ...(event.related ?? []).map((party) => [party.role, partyText(party)] as const),
    ['address', event.sourceIp],
    ['service', event.service],
    ['producer', producer && `${producer.id}, number ${producer.seq}`],
    ['trace', event.traceId],
    ['correlation', event.correlationId],
    ['reason', event.reason],
    ['message', event.message],
    ['error', error && [error.code, error.message].filter(Boolean).join(': ')],
    ['retention', event.retentionClass],
    [
      'kept by',
      policy &&
        [policy.level, policy.rule, policy.weight && `weight ${policy.weight}`]
          .filter(Boolean)
          .join(', '),
    ],
  ];
  const shown = fields.flatMap(([name, value]) =>
    value ? [lineOf([paint(safeText(name).padEnd(12), 'dim'), paint(safeText(value))])] : [],
  );
  return [
    lineOf([
      paint(`${categoryIcon(event.category)} `),
      paint(safeText(event.type), 'bold'),
      paint(
        `  ${OUTCOME_SIGNS[event.outcome]} ${event.outcome}`,
        event.outcome === 'success' ? 'green' : 'red',
      ),
    ]),
    ...shown,
    ...section('changes', diffLines(event.changes ?? [])),
    ...section('data', membersOf(event.data)),
    ...section('execution', membersOf(event.execution)),
    ...section('attributes', membersOf(event.attributes)),
  ];
}

const section = (name: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', lineOf([paint(name, 'dim')]), ...lines];

const membersOf = (object: Readonly<Record<string, unknown>> | undefined): string[] =>
  Object.entries(object ?? {}).map(([name, value]) =>
    lineOf([
      paint(`  ${safeText(name)}: `, 'dim'),
      paint(safeText(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))),
    ]),
  );
