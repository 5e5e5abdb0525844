import { z } from 'zod';
import {
  LEVELS,
  policySchema,
  type Level,
  type Policy,
  type PolicyDocument,
} from '../../schemas/index.ts';

/** What the edge keeps, in a few words or as a whole policy. */
export interface PolicyOptions {
  /** `false` turns everything off, protected events too, whatever a policy says; `true`. */
  readonly enabled?: boolean | undefined;
  /** `writes_only`. */
  readonly level?: Level | undefined;
  /** Event types or aliases not to keep, exact or with `*`. */
  readonly excludeActions?: readonly string[] | undefined;
  /** Target types not to keep, exact or with `*`. */
  readonly excludeResources?: readonly string[] | undefined;
  /** Keep this share of what succeeds, decided for each request; all of it when absent. */
  readonly sampling?: PolicyDocument['sampling'];
  /**
   * A policy, or the path of a YAML or JSON file with one, which is followed: a new version comes
   * into force while the service runs. In place of level, exclusions and sampling.
   */
  readonly policy?: PolicyDocument | string | undefined;
}

const patterns = z.array(z.string().min(1));
const { sampling } = policySchema.shape;

/** For the schema of a ledger's options. */
export const policyOptions = {
  enabled: z.boolean().default(true),
  level: z.enum(LEVELS).optional(),
  excludeActions: patterns.optional(),
  excludeResources: patterns.optional(),
  sampling: sampling.optional(),
  policy: z
    .union(
      [z.string().min(1), z.custom<PolicyDocument>((given) => typeof given === 'object')],
      'must be a policy, or the path of a file with one',
    )
    .optional(),
};

const REPLACED = ['level', 'excludeActions', 'excludeResources', 'sampling'] as const;

/** What is said twice: in a policy, and beside it. */
export const saidBesidePolicy = (options: PolicyOptions): readonly (keyof PolicyOptions)[] =>
  options.policy === undefined ? [] : REPLACED.filter((name) => options[name] !== undefined);

/** The few words as the policy that a file would express. Pure. */
export const policyOfOptions = (options: Omit<PolicyOptions, 'policy'>): Policy =>
  policySchema.parse({
    version: 1,
    enabled: options.enabled,
    level: options.level,
    exclude: { actions: options.excludeActions, resources: options.excludeResources },
    sampling: options.sampling,
  } satisfies PolicyDocument);
