import type { AuditEvent } from './event.ts';

/**
 * A copy of an event from which every field can be read: getters and proxies that throw cost
 * their own field, which `attributes['ledger.unreadable']` then names. Only for events that could
 * not be written as they are.
 */
export function readable(event: AuditEvent): AuditEvent {
  const lost = new Set<string>();
  const copy: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = read(event, field, field, lost) ?? undefined;
    copy[field] = field in CONTAINERS ? copyOf(value, field, lost) : value;
  }
  if (lost.size > 0) {
    const given = copy['attributes'] as Readonly<Record<string, unknown>> | undefined;
    copy['attributes'] = { ...given, 'ledger.unreadable': [...lost].join(',') };
  }
  return copy as unknown as AuditEvent;
}

/** Fields whose members the encoder reads by itself; data and execution are written with guards. */
const CONTAINERS: Readonly<Partial<Record<keyof AuditEvent, 'object' | 'list'>>> = {
  actor: 'object',
  target: 'object',
  producer: 'object',
  error: 'object',
  policy: 'object',
  attributes: 'object',
  related: 'list',
  changes: 'list',
};

const FIELDS = Object.keys({
  id: 1,
  type: 1,
  version: 1,
  category: 1,
  operation: 1,
  outcome: 1,
  severity: 1,
  occurredAt: 1,
  tenant: 1,
  actor: 1,
  target: 1,
  related: 1,
  sourceIp: 1,
  service: 1,
  producer: 1,
  traceId: 1,
  correlationId: 1,
  reason: 1,
  message: 1,
  error: 1,
  changes: 1,
  data: 1,
  execution: 1,
  retentionClass: 1,
  policy: 1,
  attributes: 1,
} satisfies Record<keyof AuditEvent, 1>) as (keyof AuditEvent)[];

/** More members than any message holds are not read: a hostile list has no end. */
const MAX_MEMBERS = 10_000;

function read(object: object, key: string | number, field: string, lost: Set<string>): unknown {
  try {
    return (object as Record<string | number, unknown>)[key];
  } catch {
    lost.add(field);
    return undefined;
  }
}

function copyOf(value: unknown, field: keyof AuditEvent, lost: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return CONTAINERS[field] === 'list' && Array.isArray(value)
      ? listOf(value, field, lost)
      : membersOf(value, field, lost);
  } catch {
    lost.add(field);
    return undefined;
  }
}

const listOf = (list: readonly unknown[], field: string, lost: Set<string>): unknown[] =>
  Array.from({ length: Math.min(list.length, MAX_MEMBERS) }, (_, index) => {
    const item = read(list, index, field, lost);
    return typeof item === 'object' && item !== null ? membersOf(item, field, lost) : {};
  });

function membersOf(object: object, field: string, lost: Set<string>): Record<string, unknown> {
  try {
    const keys = Object.keys(object).slice(0, MAX_MEMBERS);
    return Object.fromEntries(keys.map((key) => [key, read(object, key, field, lost)]));
  } catch {
    lost.add(field);
    return {};
  }
}
