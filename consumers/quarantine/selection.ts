/** Which quarantined messages a command is about, as a condition of the table. Pure. */
import type { Position } from './message-id.ts';

export const STATES = ['open', 'replayed', 'discarded'] as const;
export type ResolutionState = (typeof STATES)[number];

export interface Selection {
  /** Everything when absent. */
  readonly positions?: readonly Position[] | undefined;
  readonly reasons?: readonly string[] | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  /** Of the moment of quarantine, in milliseconds since 1970; the end is not in it. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly state?: ResolutionState | undefined;
}

export interface Condition {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export const RESOLUTIONS_TABLE = 'audit_quarantine_resolutions';
const POSITION = 'kafka_topic_id, kafka_partition, kafka_offset';

/** One row for each message that is resolved, of those that fit. A replay counts, also beside a discard. */
export const resolved = (where = 'true'): string =>
  `(SELECT ${POSITION}, if(max(state = 'replayed'), 'replayed', 'discarded') AS state
  FROM ${RESOLUTIONS_TABLE} WHERE ${where} GROUP BY ${POSITION})`;

const IN_STATE: Readonly<Record<ResolutionState, string>> = {
  open: `(${POSITION}) NOT IN (SELECT ${POSITION} FROM ${RESOLUTIONS_TABLE})`,
  replayed: `(${POSITION}) IN (SELECT ${POSITION} FROM ${resolved()} WHERE state = 'replayed')`,
  discarded: `(${POSITION}) IN (SELECT ${POSITION} FROM ${resolved()} WHERE state = 'discarded')`,
};

/** A condition on `audit_quarantine`; values are bound, never written into it. */
export function conditionOf(selection: Selection): Condition {
  const { positions, reasons, topic, partition, sinceMs, untilMs, state } = selection;
  const parts: string[] = [];
  const params: Record<string, unknown> = {};
  const also = (sql: string, more: Readonly<Record<string, unknown>> = {}): void => {
    parts.push(sql);
    Object.assign(params, more);
  };
  if (positions) {
    also(
      `(${POSITION}) IN arrayZip({topicIds:Array(UUID)}, {partitions:Array(UInt32)}, {offsets:Array(UInt64)})`,
      {
        topicIds: positions.map(({ topicId }) => topicId),
        partitions: positions.map(({ partition: one }) => one),
        offsets: positions.map(({ offset }) => offset),
      },
    );
  }
  if (reasons) also('reason IN {reasons:Array(String)}', { reasons });
  if (topic !== undefined) also('kafka_topic = {topic:String}', { topic });
  if (partition !== undefined) also('kafka_partition = {partition:UInt32}', { partition });
  if (sinceMs !== undefined) {
    also('quarantined_at >= fromUnixTimestamp64Milli({since:Int64})', {
      since: Math.floor(sinceMs),
    });
  }
  if (untilMs !== undefined) {
    also('quarantined_at < fromUnixTimestamp64Milli({until:Int64})', {
      until: Math.floor(untilMs),
    });
  }
  if (state) also(IN_STATE[state]);
  return { sql: parts.length === 0 ? 'true' : parts.join(' AND '), params };
}
