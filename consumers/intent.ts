/**
 * What a worker commits *before* it inserts: the range of offsets it is about to store. Whoever owns
 * the partition next, after a crash at any moment, finds it beside the committed offset, builds the
 * same batch again from Kafka, and looks which of its rows are stored already.
 */
import { decodeOffsets, encodeOffsets } from './offset-ranges.ts';

export interface Intent {
  /** The topic's id: a topic that was deleted and made again is another log. */
  readonly topicId: string;
  /** First offset of the range; it is the committed offset itself. */
  readonly first: number;
  /** Last offset of the range, included. */
  readonly last: number;
  /** How many messages lie in the range (control records and aborted ones are not messages). */
  readonly rows: number;
  /** Fingerprint of the range's raw offsets, timestamps, keys, headers and values. */
  readonly hash: string;
  /** Offsets that the ledger does not take; decided once, so that two owners can't decide differently. */
  readonly bad: readonly number[];
}

/** Kafka's `offset.metadata.max.bytes` default. */
export const MAX_METADATA_BYTES = 4096;

/** What our rules take and the engine blames, row by row, before a worker says "this is our fault". */
export const MAX_ACCUSATIONS = 20;

const counted = (accusations: number): { accusations?: number } =>
  accusations > 0 ? { accusations } : {};

/**
 * The text that stands as metadata beside the committed offset.
 *
 * @param accusations how many rows only the engine has blamed since it last took some
 */
export function encodeIntent(intent: Intent, accusations = 0): string {
  const { topicId, first, last, rows, hash, bad } = intent;
  return JSON.stringify({
    v: 1,
    topicId,
    end: last,
    rows,
    hash,
    ...(bad.length > 0 && { bad: encodeOffsets(bad, first) }),
    ...counted(accusations),
  });
}

export const fitsMetadata = (intent: Intent): boolean =>
  encodeIntent(intent, MAX_ACCUSATIONS).length <= MAX_METADATA_BYTES;

/** The text beside a committed offset while no batch is under way. */
export const encodeIdle = (topicId: string, accusations = 0): string =>
  JSON.stringify({ v: 1, topicId, ...counted(accusations) });

/**
 * The text beside a committed offset while the ledger's table is being swapped for `table`: of a version that
 * workers from before do not understand, so that they stop too.
 */
export const encodeFence = (topicId: string, table: string): string =>
  JSON.stringify({ v: 2, topicId, fence: table });

export type ReadMetadata =
  /** Nothing, or nothing of ours: the offset was set by hand or by another tool. */
  | { readonly kind: 'none' }
  | { readonly kind: 'idle'; readonly topicId: string; readonly accusations: number }
  | {
      readonly kind: 'intent';
      readonly topicId: string;
      readonly accusations: number;
      readonly intent: Intent;
    }
  /** A rebuild swaps the table: nothing may be stored until it is done. */
  | { readonly kind: 'fenced'; readonly table: string }
  /** Something that this version does not understand, so that it can't know what is under way. */
  | { readonly kind: 'unreadable' };

/** Reads what stands beside the committed offset `offset`. */
export function decodeMetadata(metadata: string | null, offset: number): ReadMetadata {
  if (metadata === null || metadata === '') return { kind: 'none' };
  let value: unknown;
  try {
    value = JSON.parse(metadata);
  } catch {
    return { kind: 'unreadable' };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'unreadable' };
  const {
    v,
    topicId,
    end,
    rows,
    hash,
    bad: badText = '',
    accusations = 0,
    fence,
  } = value as Record<string, unknown>;
  if (v === 2 && typeof fence === 'string') return { kind: 'fenced', table: fence };
  if (v !== 1 || typeof topicId !== 'string' || !isCount(accusations))
    return { kind: 'unreadable' };
  if (end === undefined) return { kind: 'idle', topicId, accusations };
  if (
    typeof hash !== 'string' ||
    typeof badText !== 'string' ||
    !Number.isSafeInteger(end) ||
    !Number.isSafeInteger(rows) ||
    (end as number) < offset
  ) {
    return { kind: 'unreadable' };
  }
  const last = end as number;
  const bad = decodeOffsets(badText, offset);
  if (!bad || (bad.at(-1) ?? offset) > last) return { kind: 'unreadable' };
  return {
    kind: 'intent',
    topicId,
    accusations,
    intent: { topicId, first: offset, last, rows: rows as number, hash, bad },
  };
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
