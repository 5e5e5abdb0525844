import { fileURLToPath } from 'node:url';
import { type Contender, SOME_TOPIC_ID } from './contender.ts';
import { runProcess } from './process.ts';

const PROGRAM = fileURLToPath(new URL('./usual-process.js', import.meta.url));

export interface UsualSettings {
  readonly fetchBytesPerPartition: number;
  readonly partitionsAtOnce: number;
}

/** kafkajs's own defaults, which its documentation shows and most services keep. */
export const DEFAULTS: UsualSettings = { fetchBytesPerPartition: 1 << 20, partitionsAtOnce: 1 };

/** The fastest of what was tried, at more than twice the memory that our worker may take. */
export const TUNED: UsualSettings = { fetchBytesPerPartition: 8 << 20, partitionsAtOnce: 4 };

/** The way most Node services take: parse each message, hand the objects to the client. */
export const usual = (name: string, settings: UsualSettings): Contender => ({
  name,
  start: (place) =>
    runProcess([PROGRAM], {
      FETCH_BYTES_PER_PARTITION: String(settings.fetchBytesPerPartition),
      PARTITIONS_AT_ONCE: String(settings.partitionsAtOnce),
      NODE_ENV: 'production',
      BROKERS: place.brokers.join(','),
      TOPIC: place.topic,
      TOPIC_ID: SOME_TOPIC_ID,
      GROUP: place.group,
      CLICKHOUSE_URL: place.clickhouseUrl,
      DATABASE: place.database,
    }),
});
