import type { Logger } from '../logger.ts';
import { checkPolicy, policyInvalid } from './document.ts';
import { EdgePolicy, type EdgePolicyOptions } from './edge-policy.ts';
import { readPolicyFile, watchPolicyFile, type PolicyText } from './policy-file.ts';
import { policyOfOptions, type PolicyOptions } from './policy-options.ts';

/** A ledger's policy, followed wherever it comes from. */
export interface OpenPolicy {
  readonly edge: EdgePolicy;
  /** Follows the file, lets rules expire and reports limits; until {@link stop}. */
  start(): void;
  stop(): void;
}

const TICK_MS = 1_000;

/**
 * Opens the policy of a ledger's options: a file, a document, or a few words.
 *
 * @throws LedgerlineError `POLICY_INVALID`, with every fault
 */
export function openPolicy(given: PolicyOptions, options: EdgePolicyOptions): OpenPolicy {
  const { policy: source, enabled = true } = given;
  const file = typeof source === 'string' ? source : undefined;
  // What one reaches for when all else fails must not fail over a file.
  const { policy, locate } = enabled ? sourced(given) : { policy: OFF, locate: () => undefined };
  const edge = new EdgePolicy(policy, file ?? 'the policy', locate, options);
  let watch: Disposable | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    edge,
    start: () => {
      edge.start();
      if (!enabled || source === undefined) return;
      timer = setInterval(() => edge.tick(), TICK_MS).unref();
      if (file === undefined) return;
      watch = watchPolicyFile(file, {
        onPolicy: (found) => edge.replace(found.policy, file, found.locate),
        onRefused: (error) => refuse(options.logger, file, error),
      });
    },
    stop: () => {
      clearInterval(timer);
      watch?.[Symbol.dispose]();
      edge.close();
    },
  };
}

const OFF = policyOfOptions({ enabled: false });

function sourced({ policy, ...words }: PolicyOptions): PolicyText {
  if (typeof policy === 'string') return readPolicyFile(policy);
  if (policy === undefined) return { policy: policyOfOptions(words), locate: () => undefined };
  const read = checkPolicy(policy);
  if (read.ok) return read;
  throw policyInvalid('the policy', read.faults);
}

function refuse(logger: Logger, file: string, error: unknown): void {
  logger.error({ file, error }, 'the policy file is refused; the policy in force stays');
}
