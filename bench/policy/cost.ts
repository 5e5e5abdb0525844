import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  category,
  createLedger,
  defineCatalog,
  event,
  type FilterCause,
  type PolicyDocument,
} from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

const THIS_FILE = fileURLToPath(import.meta.url);
const EVENTS_PER_ROUND = 5_000;
/** Enough that most are run after the compiler, which runs beside, has done its work. */
const ROUNDS = 600;

const catalog = defineCatalog(
  category('app', {
    label: 'App',
    icon: 'box',
    events: { 'app.viewed': event({ operation: 'read', label: 'App viewed', target: 'app' }) },
  }),
);

const rule = { id: 'r', owner: 'bench', reason: 'bench', expires: 'never' } as const;

/** A policy for each way in which an event is not kept. */
const POLICIES: Readonly<Record<string, { cause: FilterCause; policy: PolicyDocument }>> = {
  level: { cause: 'level', policy: { version: 1 } },
  'rule on the type': {
    cause: 'rule',
    policy: {
      version: 1,
      level: 'all',
      rules: [{ ...rule, match: { type: 'app.*' }, action: 'drop' }],
    },
  },
  'excluded resource': {
    cause: 'excluded_resource',
    policy: { version: 1, level: 'all', exclude: { resources: ['app'] } },
  },
  'rule on the tenant': {
    cause: 'rule',
    policy: {
      version: 1,
      level: 'all',
      rules: [{ ...rule, match: { tenant: 'acme*' }, action: 'drop' }],
    },
  },
  'sampled by correlation id': {
    cause: 'sampled_out',
    policy: { version: 1, level: 'all', sampling: { rate: 0.000_001 } },
  },
  'limited by actor': {
    cause: 'rate_limited',
    policy: {
      version: 1,
      level: 'all',
      limits: { default: { events: 1, seconds: 86_400, per: 'actor' } },
    },
  },
};

export interface Cost {
  readonly ns: number;
  readonly bytes: number;
}

/**
 * What `emit` costs its caller for an event that is not kept. Each policy has a process of its own, as
 * a service has one policy: six ledgers in one process slow each other's code down.
 */
export async function filteredCosts(): Promise<Readonly<Record<string, Cost>>> {
  const costs: Record<string, Cost> = {};
  for (const name of Object.keys(POLICIES)) {
    const { stdout } = await promisify(execFile)(process.execPath, [THIS_FILE, name]);
    costs[name] = JSON.parse(stdout) as Cost;
  }
  return costs;
}

/** The median of many rounds, in this process. */
async function costOf(name: string): Promise<Cost> {
  const meant = POLICIES[name];
  if (meant === undefined) throw new Error(`there is no policy called ${name}`);
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const inputs = Array.from({ length: EVENTS_PER_ROUND }, (_, n) => ({
    tenant: 'acme-eu',
    actor: { type: 'user', id: `u_${n % 50}` },
    target: { id: 'app_1' },
    correlationId: fromHeader(randomUUID()),
  }));
  const ledger = createLedger({
    service: 'bench',
    catalog,
    transport: memoryTransport(),
    logger,
    policy: meant.policy,
  });
  // By index: an iterator's answers, 40 bytes each, are not always optimised away.
  const emitAll = (): void => {
    for (let n = 0; n < inputs.length; n += 1) {
      const input = inputs[n];
      if (input !== undefined) ledger.emit('app.viewed', input);
    }
  };
  const times: number[] = [];
  const grown: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const heap = process.memoryUsage().heapUsed;
    const start = process.hrtime.bigint();
    emitAll();
    times.push(Number(process.hrtime.bigint() - start) / EVENTS_PER_ROUND);
    grown.push((process.memoryUsage().heapUsed - heap) / EVENTS_PER_ROUND);
  }
  const { filtered, accepted } = ledger.stats();
  // The first event of a limit's key, and one in a million of a sample, may pass.
  if (filtered[meant.cause] + accepted !== ROUNDS * EVENTS_PER_ROUND || accepted > ROUNDS) {
    throw new Error(`${name}: what was timed was not what was meant`);
  }
  await ledger.close();
  return { ns: Math.round(median(times)), bytes: Math.max(0, Number(median(grown).toFixed(2))) };
}

/** In one piece, as a text is that was received; one that was put together costs more to read. */
const fromHeader = (text: string): string => Buffer.from(text).toString('latin1');

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

if (process.argv[1] === THIS_FILE) {
  console.log(JSON.stringify(await costOf(process.argv[2] ?? '')));
}
