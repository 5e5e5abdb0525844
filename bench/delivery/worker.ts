import { join } from 'node:path';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { runProcess } from '../pipeline/process.ts';
import type { Contender, Place, Running } from '../pipeline/contender.ts';

const CLI = join(PROJECT_ROOT, 'dist', 'cli', 'ledgerline.js');
const UNGUARDED = join(PROJECT_ROOT, 'dist', 'bench', 'delivery', 'unguarded-worker.js');

type Where = Omit<Place, 'clickhouse'>;

const environment = (place: Where): Readonly<Record<string, string>> => ({
  LEDGERLINE_KAFKA_BROKERS: place.brokers.join(','),
  LEDGERLINE_KAFKA_TOPIC: place.topic,
  LEDGERLINE_KAFKA_GROUP: place.group,
  LEDGERLINE_CLICKHOUSE_URL: place.clickhouseUrl,
  LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
});

/** A worker as operators run it, with its own defaults. */
export const startWorker = (place: Where): Promise<Running> =>
  runProcess([CLI, 'worker'], environment(place));

/** The same worker without what makes delivery exactly once: unguarded-worker.ts says what. */
export const unguarded: Contender = {
  name: 'unguarded',
  start: (place) => runProcess([UNGUARDED], environment(place)),
};

/** Several workers of one group, as one contender. Their CPU and memory are the first one's. */
export const workers = (count: number): Contender => ({
  name: `workers${count}`,
  async start(place) {
    const all: Running[] = [];
    const stop = async (): Promise<void> => {
      await Promise.all(all.map((one) => one.stop()));
    };
    try {
      for (let n = 0; n < count; n++) all.push(await startWorker(place));
    } catch (error) {
      await stop();
      throw error;
    }
    const [first] = all;
    if (!first) throw new RangeError('one worker at least');
    return { ...first, failed: Promise.race(all.map(({ failed }) => failed)), stop };
  },
});
