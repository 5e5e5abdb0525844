import type { Pattern } from './pattern.ts';

/** Columns of text that fields read. */
export type TextColumn =
  | 'event_type'
  | 'category'
  | 'tenant_id'
  | 'actor_type'
  | 'actor_id'
  | 'actor_name'
  | 'target_type'
  | 'target_id'
  | 'target_name'
  | 'service'
  | 'correlation_id'
  | 'reason'
  | 'message'
  | 'error_code'
  | 'error_message'
  | 'retention_class'
  | 'policy_level'
  | 'policy_rule'
  | 'kafka_topic';

export type NumberColumn =
  'weight' | 'event_version' | 'producer_seq' | 'kafka_partition' | 'kafka_offset';

export type EnumColumn = 'operation' | 'outcome' | 'severity';
export type UuidColumn = 'event_id' | 'trace_id' | 'producer_id';
export type TimeColumn = 'occurred_at' | 'ingested_at';
export type JsonColumn = 'data' | 'execution';

/** Where a text comes from. A list (`changes`) matches when one of its members does. */
export type TextSource =
  | { readonly in: 'column'; readonly column: TextColumn }
  | { readonly in: 'attribute'; readonly key: string }
  /** A member of a JSON object: its text, or its JSON where it is no text. */
  | { readonly in: 'json'; readonly column: JsonColumn; readonly path: readonly string[] }
  | { readonly in: 'changes'; readonly part: 'path' | 'old' | 'new' };

/** One end of a range; absent: open. */
export interface Edge {
  readonly value: number;
  readonly inclusive: boolean;
}

/**
 * A query with every field looked up and every value read: what the compiler turns into SQL, and what
 * a test can evaluate over events by itself.
 */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** The whole text is like the pattern; `fold`: upper and lower case are the same. */
  | {
      readonly kind: 'like';
      readonly source: TextSource;
      readonly pattern: Pattern;
      readonly fold: boolean;
    }
  /** The pattern is somewhere in the text, upper and lower case the same. */
  | { readonly kind: 'holds'; readonly source: TextSource; readonly pattern: Pattern }
  /** There is a value. */
  | { readonly kind: 'present'; readonly source: TextSource }
  /** The pattern is somewhere in the event's texts. */
  | { readonly kind: 'text'; readonly pattern: Pattern }
  | { readonly kind: 'word'; readonly column: EnumColumn; readonly words: readonly string[] }
  | {
      readonly kind: 'number';
      readonly source:
        | { readonly in: 'column'; readonly column: NumberColumn }
        | Extract<TextSource, { in: 'json' }>;
      readonly from?: Edge;
      readonly to?: Edge;
    }
  /** Microseconds since 1970; `before` is not in it. */
  | {
      readonly kind: 'time';
      readonly column: TimeColumn;
      readonly from?: number;
      readonly before?: number;
    }
  | { readonly kind: 'uuid'; readonly column: UuidColumn; readonly value: string }
  | { readonly kind: 'address'; readonly from: bigint; readonly to: bigint }
  /** A related party of that role (any, where absent). */
  | {
      readonly kind: 'related';
      readonly role?: string;
      readonly type?: Pattern;
      readonly id: Pattern;
    };

/** Matches every event. */
export const EVERYTHING: Condition = { kind: 'all', of: [] };

export const allOf = (of: readonly Condition[]): Condition =>
  of.length === 1 ? (of[0] as Condition) : { kind: 'all', of };

export const anyOf = (of: readonly Condition[]): Condition =>
  of.length === 1 ? (of[0] as Condition) : { kind: 'any', of };
