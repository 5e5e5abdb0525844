/** For tools that judge, explain and try out policies; services say `policy` to `createLedger`. */
export { compile, type CompiledPolicy, type Verdicts } from './compile.ts';
export { contentHash } from './content-hash.ts';
export type { Facts, Subject } from './decision.ts';
export { inOrder, located, pathText, readPolicy, type Fault } from './document.ts';
export { Ending, OWN_LIMITS, type Limiter } from './ending.ts';
export { explain, type Explanation, type Step } from './explain.ts';
export { passesLevel } from './level.ts';
export { readPolicyFile } from './policy-file.ts';
export { RateLimit } from './rate-limit.ts';
export { idleExclusions } from './idle-exclusions.ts';
export { checkReach } from './reach.ts';
export { RuleTallies } from './rule-tally.ts';
