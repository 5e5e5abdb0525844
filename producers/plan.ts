import type { Catalog, LedgerlineError, ResolvedEvent } from '../schemas/index.ts';
import type { Counters, Tally } from './counters.ts';
import { countingListener } from './counting.ts';
import type { DeliveryListener } from './outbound.ts';
import type { CompiledPolicy, Verdicts } from './policy/compile.ts';

/** Everything `emit` would otherwise work out again for each event of a type. */
export interface Plan {
  readonly definition: ResolvedEvent;
  readonly tally: Tally;
  /** What the policy says of its events, by outcome. */
  readonly verdicts: Verdicts;
  /** Counts what becomes of events whose emitter went on. */
  readonly listener: DeliveryListener;
}

export interface PlanBook {
  /** Undefined: the catalog has no such type or version. */
  find(type: string, version: number | undefined): Plan | undefined;
  /** The policy is another one: every plan is made anew when it is next asked for. */
  renew(): void;
}

/** Free-form types have no end: plans beyond so many live as long as the catalog keeps their types. */
const REMEMBERED_NAMES = 1_000;

/**
 * Makes a type's plan when it is first emitted. Found by its name alone, where no version is named:
 * that is most of what an event costs that is not kept.
 */
export function planBook(
  catalog: Catalog,
  policy: () => CompiledPolicy,
  counters: Counters,
  onLost: (error: LedgerlineError) => void,
): PlanBook {
  let byName = new Map<string, Plan>();
  let plans = new WeakMap<ResolvedEvent, Plan>();

  const planOf = (definition: ResolvedEvent): Plan => {
    const tally = counters.of(definition.category);
    return {
      definition,
      tally,
      verdicts: policy().verdictsOf(definition),
      listener: countingListener(tally, onLost),
    };
  };

  const planned = (type: string, version: number | undefined): Plan | undefined => {
    const definition = catalog.resolve(type, version);
    if (definition === undefined) return undefined;
    let plan = plans.get(definition);
    if (plan === undefined) {
      plan = planOf(definition);
      plans.set(definition, plan);
    }
    if (version === undefined && byName.size < REMEMBERED_NAMES) byName.set(type, plan);
    return plan;
  };

  return {
    find: (type, version) =>
      (version === undefined ? byName.get(type) : undefined) ?? planned(type, version),
    renew: () => {
      byName = new Map();
      plans = new WeakMap();
    },
  };
}
