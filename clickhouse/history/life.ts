import type { AuditEvent } from '../../schemas/index.ts';

/**
 * Whether the event's type is about the target itself. `contact.created` is of a contact,
 * `app.env_var.created` of an env_var; `authorization.role.granted` is about a user and creates none.
 * Types of other systems name it behind their verb: `aws.iam.create_user`.
 */
export function isAboutItself(type: string, targetType: string | undefined): boolean {
  if (targetType === undefined || targetType === '') return false;
  const words = type.split('.');
  return words.at(-2) === targetType || words.at(-1)?.endsWith(`_${targetType}`) === true;
}

/**
 * The target came to be: the operation is `create`, and the type is about the target itself, or the changes
 * add the whole record. Pure.
 */
export const isCreation = (event: AuditEvent): boolean =>
  event.operation === 'create' &&
  (isAboutItself(event.type, event.target?.type) || addsWhole(event));

/** The target is no more: the whole record was removed, or the type says so of the target itself. Pure. */
export function isDeletion({ operation, type, target, changes }: AuditEvent): boolean {
  const last = changes?.at(-1);
  if (last !== undefined && last.op === 'remove' && last.path === '') return true;
  return operation === 'delete' && isAboutItself(type, target?.type);
}

/** The event holds the record as a whole: what came before it does not matter. */
const addsWhole = ({ changes = [] }: AuditEvent): boolean =>
  changes.some(({ op, path }) => path === '' && op === 'add');

/** It did not come to pass. */
export const hasFailed = ({ outcome }: AuditEvent): boolean =>
  outcome === 'failure' || outcome === 'denied';

/** Levels that keep no updates: where events bear one, changes were made that nobody kept. */
const BLIND_LEVELS = new Set(['deletes_only', 'failures_only']);

/** Of the events around this one, some that change the record were not kept. Pure. */
export function leftOut(event: AuditEvent): 'sampled' | 'filtered' | undefined {
  const { level, weight = 1 } = event.policy ?? {};
  const isRead = event.operation === 'read' || event.operation === 'export';
  if (weight > 1 && (!isRead || (event.changes?.length ?? 0) > 0)) return 'sampled';
  // A success that is no deletion was kept despite the level: such types are protected.
  const keptByLevel = hasFailed(event) || event.operation === 'delete';
  return level !== undefined && BLIND_LEVELS.has(level) && keptByLevel ? 'filtered' : undefined;
}
