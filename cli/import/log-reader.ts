import { type AuditEvent, encodeRow, uuidv5, wireInstant } from '../../schemas/index.ts';
import { checkedRow } from '../checked-row.ts';
import type { ImportedEvent, LogMapping } from './mapping.ts';

/** Never changes: ids of imported events are made under it. */
const IMPORT_NAMESPACE = '2f0c3a0e-6a0b-4a55-8b0a-0f6f5c5f0c11';
const DEFAULT_FILES = /\.(?:json|jsonl|ndjson|log)(?:\.gz)?$/;

/** What became of a record: an event, none, or a fault of the record's own. */
export type MappedRecord =
  { readonly event: AuditEvent } | { readonly skipped: true } | { readonly fault: string };

/** A mapping that is ready to be used: its defaults filled in, and never throwing. */
export interface LogReader {
  readonly files: RegExp;
  readonly list: string;
  /** @param tenant of an event whose record names none */
  read(record: unknown, tenant?: string): MappedRecord;
}

/** Makes a reader of a mapping. */
export function readerOf(mapping: LogMapping): LogReader {
  const namespace = uuidv5(IMPORT_NAMESPACE, mapping.name);
  return {
    files: mapping.files ?? DEFAULT_FILES,
    list: mapping.list ?? 'Records',
    read: (record, tenant = 'default') => {
      try {
        const mapped = mapping.map(record);
        if (mapped === undefined) return { skipped: true };
        return completed({ ...mapped, tenant: mapped.tenant ?? tenant }, mapping.name, namespace);
      } catch (error) {
        return { fault: error instanceof Error ? error.message : 'the mapping threw' };
      }
    },
  };
}

function completed(
  mapped: ImportedEvent & { readonly tenant: string },
  service: string,
  namespace: string,
): MappedRecord {
  const { sourceId, ...fields } = mapped;
  if (typeof sourceId !== 'string' || sourceId === '') {
    return { fault: 'sourceId: is required, a text' };
  }
  const occurredAt = wireInstant(fields.occurredAt);
  if (occurredAt === undefined) {
    return { fault: 'occurredAt: must be an ISO 8601 instant between the years 1900 and 2299' };
  }
  const missing = (['type', 'category', 'actor'] as const).filter((name) => !fields[name]);
  if (missing.length > 0) return { fault: `${missing.join(', ')}: required` };
  const event: AuditEvent = {
    version: 1,
    operation: 'unknown',
    outcome: 'unknown',
    severity: 'informational',
    service,
    retentionClass: 'archive',
    ...fields,
    id: uuidv5(namespace, sourceId),
    occurredAt,
  };
  const checked = checkedRow(JSON.parse(encodeRow(event).toString()));
  return checked.ok ? { event } : { fault: checked.reason };
}
