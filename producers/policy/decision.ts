import type { Party, PolicyStamp, ResolvedEvent, Severity } from '../../schemas/index.ts';
import type { RuleTally } from './rule-tally.ts';

/** The steps that can say no, in their order. The first to do so is the cause that is counted. */
export const FILTER_CAUSES = [
  'disabled',
  'level',
  'excluded_action',
  'excluded_resource',
  'rule',
  'rate_limited',
  'sampled_out',
] as const;
export type FilterCause = (typeof FILTER_CAUSES)[number];

/** The policy does not keep it; `cause` is the step that said no. Not an error. Shared and frozen. */
export interface FilteredReceipt {
  readonly status: 'filtered';
  readonly cause: FilterCause;
  /** The rule that dropped, limited or sampled it; absent where no rule did. */
  readonly rule?: string;
}

/** What the policy looks at, of an event's type. */
export type Subject = Pick<
  ResolvedEvent,
  'type' | 'aliases' | 'category' | 'operation' | 'protected'
>;

/** What the policy looks at, of the event itself. Asked for one by one, and most events for none. */
export interface Facts {
  readonly subject: Subject;
  readonly severity: Severity;
  readonly tenant: string;
  readonly actor: Party | undefined;
  readonly targetType: string | undefined;
  readonly targetId: string | undefined;
  readonly correlationId: string | undefined;
  readonly traceId: string | undefined;
  /** The event's own id. */
  readonly id: string;
}

export interface Kept {
  readonly kept: true;
  /** What the event carries of it: level, rule, weight. */
  readonly stamp: PolicyStamp;
}

export interface Filtered {
  readonly kept: false;
  readonly receipt: FilteredReceipt;
  /** Counts for the rule or limit that said no; absent where none did. */
  readonly tally: RuleTally | undefined;
}

/** What the policy says of one event. Made beforehand: deciding allocates none. */
export type Decision = Kept | Filtered;

export function filtered(cause: FilterCause, rule?: string, tally?: RuleTally): Filtered {
  const receipt: FilteredReceipt =
    rule === undefined ? { status: 'filtered', cause } : { status: 'filtered', cause, rule };
  return Object.freeze({ kept: false, receipt: Object.freeze(receipt), tally });
}

export const kept = (stamp: PolicyStamp): Kept =>
  Object.freeze({ kept: true, stamp: Object.freeze(stamp) });
