import type { Catalog, LedgerlineError, ResolvedEvent } from '../schemas/index.ts';
import type { Counters, LossCause, Tally } from './counters.ts';
import { verdictsOf, type Policy, type Verdicts } from './policy/decision.ts';
import type { DeliveryListener } from './outbound.ts';

/** Everything `emit` would otherwise work out again for each event of a type. */
export interface Plan {
  readonly definition: ResolvedEvent;
  readonly tally: Tally;
  readonly verdicts: Verdicts;
  /** Whether an event that the verdicts keep can still fall to an excluded target type. */
  readonly asksTarget: boolean;
  /** Counts what becomes of events whose emitter went on. */
  readonly listener: DeliveryListener;
}

export interface PlanBook {
  /** Undefined: the catalog has no such type or version. */
  find(type: string, version: number | undefined): Plan | undefined;
}

/**
 * Makes a type's plan when it is first emitted, and keeps it as long as the catalog keeps the type:
 * free-form types beyond the number the catalog remembers are planned anew, and take no memory.
 */
export function planBook(
  catalog: Catalog,
  policy: Policy,
  counters: Counters,
  onLost: (error: LedgerlineError) => void,
): PlanBook {
  const plans = new WeakMap<ResolvedEvent, Plan>();

  const planOf = (definition: ResolvedEvent): Plan => {
    const tally = counters.of(definition.category);
    return {
      definition,
      tally,
      verdicts: verdictsOf(policy, definition),
      asksTarget: policy.enabled && !definition.protected,
      listener: {
        stored: () => {
          tally.stored += 1;
        },
        lost: (cause: LossCause, error: LedgerlineError) => {
          tally.lost[cause] += 1;
          onLost(error);
        },
      },
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
  };
}
