import {
  compile,
  type CompiledPolicy,
  Ending,
  type Facts,
  type Limiter,
  OWN_LIMITS,
  passesLevel,
  RateLimit,
  RuleTallies,
  type Subject,
  type Verdicts,
} from '../../producers/policy/index.ts';
import {
  type Catalog,
  expiryOf,
  type Level,
  LEVELS,
  type Limit,
  OPERATIONS,
  type Operation,
  type Policy,
  PROTECTED_CATEGORIES,
} from '../../schemas/index.ts';
import type { Alike } from './history.ts';

/** Events, what they hold, and what that takes on disk. */
export interface Amount {
  readonly events: number;
  readonly bytes: number;
  readonly storage: number;
}

/** One category's history, as it is stored and as the policy would have kept it. */
export interface Replayed {
  readonly category: string;
  /** What is said to have happened: the weights of what is stored. */
  readonly happened: number;
  readonly today: Amount;
  readonly replayed: Amount;
}

interface ReplayOptions {
  readonly catalog: Catalog;
  readonly nowMs: number;
}

interface Sum {
  happened: number;
  stored: number;
  bytes: number;
  kept: number;
  keptBytes: number;
}

/**
 * Puts a history through a policy. Where the policy samples, it counts the share that would be kept;
 * where it limits, it fills the same buckets, second by second. Pure: one pass, memory for the
 * categories, types and limits alone.
 */
export class Replay {
  readonly #catalog: Catalog;
  readonly #policy: Policy;
  readonly #limits = new Map<string, RateLimit>();
  readonly #compiled = new Map<string, CompiledPolicy>();
  readonly #kinds = new Map<string, { readonly subject: Subject; readonly verdicts: Verdicts }>();
  readonly #sums = new Map<string, Sum>();
  readonly #nowMs: number;
  #second = 0;

  constructor(policy: Policy, { catalog, nowMs }: ReplayOptions) {
    this.#policy = policy;
    this.#catalog = catalog;
    this.#nowMs = nowMs;
    const take = (name: string, limit: Limit | undefined): void => {
      if (limit === undefined) return;
      this.#limits.set(name, new RateLimit(name, limit, () => this.#second * 1000));
    };
    take(OWN_LIMITS.default, policy.limits.default);
    take(OWN_LIMITS.protected, policy.limits.protected);
    for (const rule of policy.rules) if (rule.action === 'limit') take(rule.id, rule.limit);
  }

  add(alike: Alike): void {
    this.#second = alike.second ?? 0;
    const { subject, verdicts } = this.#kindOf(alike);
    const facts = factsOf(alike, subject);
    const ending = verdicts[alike.outcome].endingOf(facts);
    const kept = ending instanceof Ending ? keptOf(ending, facts, alike.happened) : 0;
    const sum = this.#sumOf(alike.category);
    sum.happened += alike.happened;
    sum.stored += alike.stored;
    sum.bytes += alike.bytes;
    sum.kept += kept;
    sum.keptBytes += kept * (alike.bytes / alike.stored);
  }

  /** By category. Storage is shared out by bytes: the table compresses all of them together. */
  result(diskBytesPerRow: number): Replayed[] {
    const sums = [...this.#sums].toSorted(([, a], [, b]) => b.bytes - a.bytes);
    const stored = sums.reduce((all, [, sum]) => all + sum.stored, 0);
    const bytes = sums.reduce((all, [, sum]) => all + sum.bytes, 0);
    const ratio = bytes === 0 ? 0 : (stored * diskBytesPerRow) / bytes;
    return sums.map(([category, sum]) => ({
      category,
      happened: sum.happened,
      today: { events: sum.stored, bytes: sum.bytes, storage: sum.bytes * ratio },
      replayed: { events: sum.kept, bytes: sum.keptBytes, storage: sum.keptBytes * ratio },
    }));
  }

  #sumOf(category: string): Sum {
    let sum = this.#sums.get(category);
    if (sum === undefined) {
      sum = { happened: 0, stored: 0, bytes: 0, kept: 0, keptBytes: 0 };
      this.#sums.set(category, sum);
    }
    return sum;
  }

  #kindOf({ service = '', category, event_type: type, operation }: Alike) {
    const key = [service, category, type, operation].join('\0');
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      const known = this.#catalog.resolve(type);
      const subject = {
        type,
        category,
        operation,
        aliases: known?.aliases ?? [],
        protected: this.#protects(category),
      };
      kind = { subject, verdicts: this.#compiledFor(service).verdictsOf(subject) };
      this.#kinds.set(key, kind);
    }
    return kind;
  }

  #protects(category: string): boolean {
    const always: readonly string[] = PROTECTED_CATEGORIES;
    return always.includes(category) || this.#catalog.categories.get(category)?.protected === true;
  }

  /** Rules that have expired by now take no part: it is about what is kept from now on. */
  #compiledFor(service: string): CompiledPolicy {
    let compiled = this.#compiled.get(service);
    if (compiled === undefined) {
      const rules = this.#policy.rules.filter(
        ({ expires }) => (expiryOf(expires) ?? Infinity) > this.#nowMs,
      );
      const limiters = { of: (name: string): Limiter | undefined => this.#limits.get(name) };
      compiled = compile(this.#policy, { service, rules, limiters, tallies: new RuleTallies() });
      this.#compiled.set(service, compiled);
    }
    return compiled;
  }
}

function factsOf(alike: Alike, subject: Subject): Facts {
  const { actor_type: type, actor_id: id = '' } = alike;
  return {
    subject,
    severity: alike.severity ?? 'informational',
    tenant: alike.tenant_id ?? '',
    actor: type === undefined ? undefined : { type, id },
    targetType: alike.target_type === '' ? undefined : alike.target_type,
    targetId: alike.target_id,
    correlationId: undefined,
    traceId: undefined,
    id: '',
  };
}

/** How many of so many events get past the limit and, on average, the sampling. */
function keptOf({ limiter, rate }: Ending, facts: Facts, happened: number): number {
  if (limiter === undefined) return happened * rate;
  let admitted = 0;
  for (let n = Math.round(happened); n > 0; n -= 1) if (limiter.admits(facts)) admitted += 1;
  return admitted * rate;
}

/** The levels under which operations were not recorded that the policy would keep. */
export function narrowerLevels(policy: Policy, levels: Readonly<Record<string, number>>): Level[] {
  const keeps = (level: Level): number =>
    (Object.keys(OPERATIONS) as Operation[]).filter((operation) =>
      passesLevel(level, operation, 'success'),
    ).length;
  return LEVELS.filter((level) => (levels[level] ?? 0) > 0 && keeps(level) < keeps(policy.level));
}
