/**
 * What a rebuild has to remember beyond its own life stands in the comment of the table it fills: it goes
 * wherever the table goes, also through EXCHANGE TABLES, and is gone with it. Pure.
 */
import { z } from 'zod';

const offset = z.int().min(0);

/** A partition of the workers' group as it stood when it was fenced. */
const fencedPartition = z.strictObject({
  partition: z.int().min(0),
  /** The committed offset: workers go on from it, after the swap. */
  offset,
  /** What stood beside it, an intent perhaps. */
  metadata: z.string(),
});

const rebuildRecord = z.strictObject({
  kind: z.literal('rebuild'),
  /** The name it was made under: the old ledger's, once the tables are exchanged. */
  table: z.string(),
  topic: z.string(),
  topicId: z.uuid(),
  /** The rebuild's own group, and the workers'. */
  group: z.string(),
  workers: z.string(),
  /** First offset that is read from Kafka, by partition; what lies before it is copied. */
  starts: z.array(offset),
  startedAt: z.iso.datetime(),
  step: z.enum(['copying', 'reading', 'fenced']),
  fence: z.strictObject({ partitions: z.array(fencedPartition), at: z.iso.datetime() }).optional(),
});

const replacedRecord = z.strictObject({
  kind: z.literal('replaced'),
  at: z.iso.datetime(),
  topic: z.string(),
});

export type FencedPartition = z.infer<typeof fencedPartition>;
export type RebuildRecord = z.infer<typeof rebuildRecord>;
/** Of a table that was `audit_events` until another took its place. */
export type ReplacedRecord = z.infer<typeof replacedRecord>;

const PREFIX = 'ledgerline:';
const anyRecord = z.discriminatedUnion('kind', [rebuildRecord, replacedRecord]);

export const commentOf = (record: RebuildRecord | ReplacedRecord): string =>
  PREFIX + JSON.stringify(record);

/** `undefined` for a comment that is not of this form. */
export function readComment(comment: string): RebuildRecord | ReplacedRecord | undefined {
  if (!comment.startsWith(PREFIX)) return undefined;
  try {
    return anyRecord.safeParse(JSON.parse(comment.slice(PREFIX.length))).data;
  } catch {
    return undefined;
  }
}
