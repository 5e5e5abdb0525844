import { expiryOf, type Catalog, type Policy, type Rule } from '../../schemas/index.ts';
import type { Logger } from '../logger.ts';
import { contentHash } from './content-hash.ts';
import { checkReach } from './reach.ts';
import { compile, type CompiledPolicy } from './compile.ts';
import { faultText, inOrder, located, policyInvalid, type Locate } from './document.ts';
import { Limits } from './limits.ts';
import { RuleTallies } from './rule-tally.ts';

/** Why the policy in force is another one than before. */
export type ChangeCause = 'start' | 'reload' | 'expiry';

/** A policy came into force. */
export interface PolicyChange {
  readonly cause: ChangeCause;
  readonly policy: Policy;
  readonly hash: string;
  readonly previousHash: string | undefined;
  /** Ids of its rules that no longer apply. */
  readonly expired: readonly string[];
  /** The first `producer_seq` that it decided on. */
  readonly fromSeq: number;
}

export interface EdgePolicyOptions {
  readonly catalog: Catalog;
  readonly service: string;
  readonly logger: Logger;
  /** The `producer_seq` of the event that is recorded next. */
  readonly nextSeq: () => number;
  /** Another policy is in force from here on. */
  readonly inForce: () => void;
  /** Records a change. False: it could not be recorded, and is to be told again. */
  readonly record: (change: PolicyChange) => boolean;
}

/** Changes that could not be recorded wait; more than these means that nothing is recorded at all. */
const MAX_WAITING = 100;

/**
 * The policy in force: judged against the catalog before it is taken, compiled, and compiled again
 * when a rule expires. Its caller's timer calls {@link tick}.
 */
export class EdgePolicy {
  readonly #options: EdgePolicyOptions;
  readonly #tallies = new RuleTallies();
  readonly #limits = new Limits();
  readonly #waiting: PolicyChange[] = [];
  #policy: Policy;
  #hash: string;
  #compiled: CompiledPolicy;
  #nextExpiryMs = Infinity;

  /** @throws LedgerlineError `POLICY_INVALID`, with every fault */
  constructor(policy: Policy, name: string, locate: Locate, options: EdgePolicyOptions) {
    this.#options = options;
    this.#judge(policy, name, locate);
    this.#policy = policy;
    this.#hash = contentHash(policy);
    this.#compiled = this.#compile();
  }

  /** What `emit` asks. Another object after each change. */
  get compiled(): CompiledPolicy {
    return this.#compiled;
  }

  get level(): Policy['level'] {
    return this.#policy.level;
  }

  /** How many events each rule and limit did not let pass. */
  filteredByRule(): Record<string, number> {
    return this.#tallies.snapshot();
  }

  /** Records that it came into force. */
  start(): void {
    this.#tell(this.#change('start', undefined));
  }

  /**
   * Puts another policy into force; the same again changes nothing.
   *
   * @throws LedgerlineError `POLICY_INVALID`, with every fault; the one before stays
   */
  replace(policy: Policy, name: string, locate: Locate): void {
    const hash = contentHash(policy);
    if (hash === this.#hash) return;
    this.#judge(policy, name, locate);
    const previous = this.#hash;
    this.#policy = policy;
    this.#hash = hash;
    this.#compiled = this.#compile();
    this.#options.inForce();
    this.#announce(name);
    this.#tell(this.#change('reload', previous));
  }

  /** To be called about once a second: rules expire, limits are reported, untold changes told. */
  tick(nowMs = Date.now()): void {
    if (nowMs >= this.#nextExpiryMs) {
      this.#warnOfExpiry(this.#policy.rules.filter((rule) => this.#expiredJustNow(rule, nowMs)));
      this.#compiled = this.#compile(nowMs);
      this.#options.inForce();
      this.#tell(this.#change('expiry', this.#hash, nowMs));
    }
    this.#reportLimits(false);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#options.record(next)) return;
      this.#waiting.shift();
    }
  }

  /** Reports what limits still turned away. */
  close(): void {
    this.#reportLimits(true);
  }

  #announce(name: string): void {
    const { logger } = this.#options;
    const { enabled, level } = this.#policy;
    const fields = { policy: name, level, hash: this.#hash };
    if (enabled) logger.info(fields, 'another policy is in force');
    else logger.warn(fields, 'another policy is in force: auditing is DISABLED by it');
  }

  #judge(policy: Policy, name: string, locate: Locate): void {
    const { catalog, service, logger } = this.#options;
    const nowMs = Date.now();
    const { errors, warnings } = checkReach(policy, { catalog, service, nowMs });
    if (errors.length > 0) {
      throw policyInvalid(name, inOrder(errors.map((fault) => located(fault, locate))));
    }
    for (const fault of warnings) {
      const fields = { policy: name, fault: faultText(located(fault, locate)) };
      logger.warn(fields, `the policy has a part without effect: ${faultText(fault)}`);
    }
  }

  #compile(nowMs = Date.now()): CompiledPolicy {
    const { rules } = this.#policy;
    const active = rules.filter((rule) => expiryMs(rule) > nowMs);
    this.#nextExpiryMs = Math.min(Infinity, ...active.map(expiryMs));
    this.#limits.use(this.#policy);
    return compile(this.#policy, {
      service: this.#options.service,
      rules: active,
      limiters: this.#limits,
      tallies: this.#tallies,
    });
  }

  #expiredJustNow(rule: Rule, nowMs: number): boolean {
    const at = expiryMs(rule);
    return at >= this.#nextExpiryMs && at <= nowMs;
  }

  #warnOfExpiry(rules: readonly Rule[]): void {
    for (const { id, owner, expires } of rules) {
      const fields = { rule: id, owner, expires };
      this.#options.logger.warn(fields, `the rule "${id}" has expired and no longer applies`);
    }
  }

  #change(cause: ChangeCause, previousHash: string | undefined, nowMs = Date.now()): PolicyChange {
    const policy = this.#policy;
    const expired = policy.rules.filter((rule) => expiryMs(rule) <= nowMs).map(({ id }) => id);
    const fromSeq = this.#options.nextSeq();
    return { cause, policy, hash: this.#hash, previousHash, expired, fromSeq };
  }

  #tell(change: PolicyChange): void {
    if (this.#waiting.length === 0 && this.#options.record(change)) return;
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(change);
  }

  #reportLimits(all: boolean): void {
    const { logger } = this.#options;
    for (const { rule, limit, ended } of this.#limits.reports(all)) {
      if (ended === undefined) {
        logger.warn({ rule, limit }, `the limit "${rule}" turns events away; they are counted`);
      } else {
        logger.warn({ rule, ...ended }, `the limit "${rule}" turned events away, and has ended`);
      }
    }
  }
}

const expiryMs = ({ expires }: Rule): number => expiryOf(expires) ?? Infinity;
