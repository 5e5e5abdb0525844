import { join } from 'node:path';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import type { Contender } from './contender.ts';
import { runProcess } from './process.ts';

const CLI = join(PROJECT_ROOT, 'dist', 'cli', 'ledgerline.js');

/** Our worker as operators run it: the whole protocol, its own defaults. */
export const ledgerline: Contender = {
  name: 'ledgerline',
  start: (place) =>
    runProcess([CLI, 'worker'], {
      LEDGERLINE_KAFKA_BROKERS: place.brokers.join(','),
      LEDGERLINE_KAFKA_TOPIC: place.topic,
      LEDGERLINE_KAFKA_GROUP: place.group,
      LEDGERLINE_CLICKHOUSE_URL: place.clickhouseUrl,
      LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
    }),
};
