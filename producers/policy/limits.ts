import { isDeepStrictEqual } from 'node:util';
import type { Limit, Policy } from '../../schemas/index.ts';
import { OWN_LIMITS, type Limiters } from './ending.ts';
import { RateLimit } from './rate-limit.ts';

/** A limit is over when it has turned nothing away for so long. */
const CALM_MS = 10_000;

/** What there is to tell of limits: one line when one begins to shed, one when it ends. */
export interface ShedReport {
  readonly rule: string;
  readonly limit: Limit;
  /** Absent while it goes on. */
  readonly ended?: { readonly events: number; readonly forMs: number };
}

/** A policy's limits at work. Those that a new policy leaves as they are go on with what they know. */
export class Limits implements Limiters {
  #byName: ReadonlyMap<string, RateLimit> = new Map();
  readonly #told = new Set<RateLimit>();
  /** Those of policies before that were turning events away, and have not been reported since. */
  readonly #retired = new Set<RateLimit>();

  /** Takes over a policy's limits. */
  use(policy: Policy): void {
    const limits = new Map<string, RateLimit>();
    const take = (name: string, limit: Limit | undefined): void => {
      if (limit === undefined) return;
      const known = this.#byName.get(name);
      const same = known !== undefined && isDeepStrictEqual(known.limit, limit);
      limits.set(name, same ? known : new RateLimit(name, limit));
    };
    take(OWN_LIMITS.default, policy.limits.default);
    take(OWN_LIMITS.protected, policy.limits.protected);
    for (const rule of policy.rules) if (rule.action === 'limit') take(rule.id, rule.limit);
    for (const [name, limit] of this.#byName) {
      if (limits.get(name) !== limit && limit.shedding !== undefined) this.#retired.add(limit);
    }
    this.#byName = limits;
  }

  of(name: string): RateLimit | undefined {
    return this.#byName.get(name);
  }

  /** What began or ended since it was last asked; with `all`, whatever goes on ends as well. */
  reports(all = false, nowMs = performance.now()): ShedReport[] {
    const reports: ShedReport[] = [];
    for (const limit of [...this.#byName.values(), ...this.#retired]) {
      const { name: rule, shedding } = limit;
      if (shedding === undefined) continue;
      if (!this.#told.has(limit)) {
        this.#told.add(limit);
        reports.push({ rule, limit: limit.limit });
      }
      const { events, sinceMs, lastMs } = shedding;
      const goesOn = !this.#retired.has(limit) && nowMs - lastMs < CALM_MS;
      if (!all && goesOn) continue;
      const forMs = Math.round(lastMs - sinceMs);
      reports.push({ rule, limit: limit.limit, ended: { events, forMs } });
      this.#told.delete(limit);
      this.#retired.delete(limit);
      limit.settle();
    }
    return reports;
  }
}
