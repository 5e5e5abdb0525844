import { fileURLToPath } from 'node:url';
import { type Contender, SOME_TOPIC_ID } from './contender.ts';
import { runProcess } from './process.ts';

const PROGRAM = fileURLToPath(new URL('./usual-process.js', import.meta.url));

/** The way most Node services take: parse each message, hand the objects to the client. */
export const usual: Contender = {
  name: 'usual',
  start: (place) =>
    runProcess([PROGRAM], {
      NODE_ENV: 'production',
      BROKERS: place.brokers.join(','),
      TOPIC: place.topic,
      TOPIC_ID: SOME_TOPIC_ID,
      GROUP: place.group,
      CLICKHOUSE_URL: place.clickhouseUrl,
      DATABASE: place.database,
    }),
};
