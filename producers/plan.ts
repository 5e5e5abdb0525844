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

/**
 * Makes a type's plan when it is first emitted, and keeps it as long as the catalog keeps the type:
 * free-form types beyond the number the catalog remembers are planned anew, and take no memory.
 */
export function planBook(
  catalog: Catalog,
  policy: () => CompiledPolicy,
  counters: Counters,
  onLost: (error: LedgerlineError) => void,
): PlanBook {
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

  return {
    find: (type, version) => {
      const definition = catalog.resolve(type, version);
      if (definition === undefined) return undefined;
      let plan = plans.get(definition);
      if (plan === undefined) {
        plan = planOf(definition);
        plans.set(definition, plan);
      }
      return plan;
    },
    renew: () => {
      plans = new WeakMap();
    },
  };
}
