/**
 * What brings another system's audit log into the ledger: how its files are told, and what one of
 * its records is as an event. The built-in ones are CloudTrail's and Kubernetes'; docs/import.md
 * shows how to write one.
 */
import type { AuditEvent } from '../../schemas/index.ts';

/**
 * A record as an event. What is left out becomes: `version` 1, `operation` and `outcome` `unknown`,
 * `severity` `informational`, `tenant` `default`, `service` the mapping's name, `retentionClass`
 * `archive`, since old records would expire on arrival in a shorter class.
 */
export type ImportedEvent = Partial<Omit<AuditEvent, 'id'>> &
  Pick<AuditEvent, 'type' | 'category' | 'occurredAt' | 'actor'> & {
    /**
     * What the source itself calls this record, unique within it. The event's id is made from it and
     * the mapping's name, so that a record that is imported twice is stored once.
     */
    readonly sourceId: string;
  };

export interface LogMapping {
  /** What `service` says of its events, and part of their ids: never change it. */
  readonly name: string;
  /**
   * Which files of a folder are read; files that are named outright always are.
   * Default: `.json`, `.jsonl`, `.ndjson` and `.log`, each also with `.gz`.
   */
  readonly files?: RegExp;
  /** Where a document has its list of records: `items` for `{ "items": [ … ] }`. Default: `Records`. */
  readonly list?: string;
  /**
   * One record as an event; `undefined` where it is none, and is passed over in silence. Pure: it may
   * be called more than once for a record.
   *
   * @throws Error whose message says what is wrong with the record, without quoting it: it is told
   *   with file and place, and the rest goes on
   */
  map(record: unknown): ImportedEvent | undefined;
}

/**
 * Gives a mapping its type.
 *
 * @example
 * export default defineMapping({
 *   name: 'door-locks',
 *   map: (record) => ({
 *     sourceId: record.id,
 *     type: 'door.opened',
 *     category: 'premises',
 *     occurredAt: record.at,
 *     actor: { type: 'badge', id: record.badge },
 *   }),
 * });
 */
export const defineMapping = (mapping: LogMapping): LogMapping => mapping;
