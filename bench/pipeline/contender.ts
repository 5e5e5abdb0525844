import type { ClickHouse } from '../../clickhouse/index.ts';

/** Where a contender reads and writes: the topic is the same for all, the database new for each run. */
export interface Place {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly clickhouseUrl: string;
  readonly database: string;
  readonly clickhouse: ClickHouse;
}

/** The rivals cannot know the topic's id, which the table demands: they write this. */
export const SOME_TOPIC_ID = '6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d';

/** A way from the topic into `audit_events`. */
export interface Contender {
  readonly name: string;
  /** Begins reading the topic from its beginning. */
  start(place: Place): Promise<Running>;
}

export interface Running {
  /** Its own process; absent when it runs inside the engine's. */
  readonly pid?: number;
  /** Rejects when it ended before it was stopped. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}
