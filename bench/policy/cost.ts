import {
  category,
  createLedger,
  defineCatalog,
  event,
  type FilterCause,
  type PolicyDocument,
} from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';

const EVENTS_PER_ROUND = 5_000;
const ROUNDS = 60;

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

/** What `emit` costs its caller for an event that is not kept: the median of many rounds. */
export async function filteredCosts(): Promise<Readonly<Record<string, Cost>>> {
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const inputs = Array.from({ length: EVENTS_PER_ROUND }, (_, n) => ({
    tenant: 'acme-eu',
    actor: { type: 'user', id: `u_${n % 50}` },
    target: { id: 'app_1' },
    correlationId: `4bf92f35-77b3-4da6-a3ce-${n}`,
  }));
  const costs: Record<string, Cost> = {};
  for (const [name, { policy, cause }] of Object.entries(POLICIES)) {
    const ledger = createLedger({
      service: 'bench',
      catalog,
      transport: memoryTransport(),
      logger,
      policy,
    });
    const times: number[] = [];
    const grown: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const heap = process.memoryUsage().heapUsed;
      const start = process.hrtime.bigint();
      for (const input of inputs) ledger.emit('app.viewed', input);
      times.push(Number(process.hrtime.bigint() - start) / EVENTS_PER_ROUND);
      grown.push((process.memoryUsage().heapUsed - heap) / EVENTS_PER_ROUND);
    }
    const { filtered, accepted } = ledger.stats();
    // The first event of a limit's key, and one in a million of a sample, may pass.
    if (filtered[cause] + accepted !== ROUNDS * EVENTS_PER_ROUND || accepted > 60) {
      throw new Error(`${name}: what was timed was not what was meant`);
    }
    await ledger.close();
    costs[name] = { ns: Math.round(median(times)), bytes: Math.max(0, Math.round(median(grown))) };
  }
  return costs;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
