import type { PolicyChange } from './edge-policy.ts';

/** A larger policy is named by its hash alone. */
const MAX_POLICY_BYTES = 32 * 1024;

/** The data of `ledger.policy.changed`. */
export function policyChangedData(change: PolicyChange): Readonly<Record<string, unknown>> {
  const { cause, policy, hash, previousHash, fromSeq, expired } = change;
  const fits = Buffer.byteLength(JSON.stringify(policy)) <= MAX_POLICY_BYTES;
  return {
    cause,
    enabled: policy.enabled,
    level: policy.level,
    policyHash: hash,
    ...(previousHash !== undefined && { previousHash }),
    fromSeq,
    ...(expired.length > 0 && { expiredRules: expired }),
    ...(fits && { policy }),
  };
}
