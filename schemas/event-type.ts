import { z } from 'zod';
import { LedgerlineError } from './errors.ts';
import type { Operation, Outcome, Severity } from './vocabulary.ts';

const NO_DATA = z.strictObject({});
type NoData = typeof NO_DATA;

/** A zod schema of an object: what an event's data must be. */
export type DataSchema = z.ZodType<Readonly<Record<string, unknown>>>;

export interface EventTypeOptions {
  readonly operation: Operation;
  /** What people read: "Environment variable updated". */
  readonly label: string;
  /** What kind of thing it happens to; emit then demands a target. */
  readonly target?: string;
  /** The type's own fields. Absent: it has none. */
  readonly data?: DataSchema;
  /**
   * The record whose fields the event's `changes` are about, as far as its fields are sensitive:
   * `z.object({ iban: sensitive(z.string(), 'hash') })`. Nothing is checked against it.
   */
  readonly record?: z.ZodType;
  /** `informational` when absent. */
  readonly severity?: Severity;
  /** What emit assumes when it is not told: `success` when absent. */
  readonly outcome?: Outcome;
  /** Version of the data schema, 1 when absent. */
  readonly version?: number;
  /** Names by which other systems know this type; emit accepts them too. */
  readonly aliases?: readonly string[];
  /** The actor must say why. */
  readonly requiresReason?: boolean;
  /** Overrides the category's class. */
  readonly retentionClass?: string;
}

/** One version of one event type. */
export interface EventType<
  D extends DataSchema = DataSchema,
  V extends number = number,
  A extends string = string,
  T extends string | undefined = string | undefined,
  R extends boolean = boolean,
> {
  readonly operation: Operation;
  readonly label: string;
  readonly target: T;
  readonly data: D;
  readonly record: z.ZodType | undefined;
  readonly severity: Severity;
  readonly outcome: Outcome;
  readonly version: V;
  readonly aliases: readonly A[];
  readonly requiresReason: R;
  readonly retentionClass: string | undefined;
}

/**
 * What options say, as types. Taken from the options as a whole, since a parameter of its own for
 * each would be inferred from where the event type is put whenever its option is absent.
 */
type Declared<O> = EventType<
  O extends { readonly data: infer D extends DataSchema } ? D : NoData,
  O extends { readonly version: infer V extends number } ? V : 1,
  O extends { readonly aliases: readonly (infer A extends string)[] } ? A : never,
  O extends { readonly target: infer T extends string } ? T : undefined,
  O extends { readonly requiresReason: true } ? true : false
>;
type NoOther<O> = { readonly [K in Exclude<keyof O, keyof EventTypeOptions>]: never };

/**
 * Declares one version of an event type; its name is its key in `category`.
 *
 * Throws `CATALOG_INVALID` for a version that is not an integer from 1 to 65,535.
 *
 * @example
 * event({
 *   operation: 'update',
 *   label: 'Environment variable updated',
 *   target: 'env_var',
 *   data: z.strictObject({ key: z.string() }),
 * });
 */
export function event<const O extends EventTypeOptions>(options: O & NoOther<O>): Declared<O> {
  const { version = 1, aliases = [] }: EventTypeOptions = options;
  if (!Number.isInteger(version) || version < 1 || version > 65_535) {
    throw new LedgerlineError('CATALOG_INVALID', 'An event type has a version out of range.', {
      hint: 'Number versions 1, 2, 3 …; the newest is last.',
    });
  }
  const declared: EventType = {
    operation: options.operation,
    label: options.label,
    target: options.target,
    data: options.data ?? NO_DATA,
    record: options.record,
    severity: options.severity ?? 'informational',
    outcome: options.outcome ?? 'success',
    version,
    aliases: Object.freeze([...aliases]),
    requiresReason: options.requiresReason ?? false,
    retentionClass: options.retentionClass,
  };
  return Object.freeze(declared) as Declared<O>;
}
