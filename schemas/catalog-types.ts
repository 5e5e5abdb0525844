import type { z } from 'zod';
import type { Category, Versions } from './category.ts';
import type { AuditEvent, Party, RelatedParty } from './event.ts';
import type { EventType } from './event-type.ts';
import type { Outcome, Severity } from './vocabulary.ts';

/** How the compiler gets from a catalog and an event type's name to what emit must be given. */

type VersionsOf<X> = X extends readonly EventType[] ? X[number] : X;
type NewestOf<X> = X extends readonly [...EventType[], infer Newest] ? Newest : X;
type AliasesOf<X> = VersionsOf<X> extends EventType<infer _D, infer _V, infer A> ? A : never;

/** A category's types by name and by alias. */
type TypesOf<C> =
  C extends Category<string, infer E, boolean>
    ? { [K in keyof E as string extends K ? never : (K & string) | AliasesOf<E[K]>]: E[K] }
    : never;

/** The names of those categories that accept free-form types. */
export type FreeFormOf<C> = C extends Category<infer N, unknown, true> ? N : never;

type UnionToIntersection<U> = (U extends unknown ? (member: U) => void : never) extends (
  member: infer I,
) => void
  ? I
  : never;

/** Several categories' types in one map. */
export type MergedTypes<C> = [C] extends [never] ? unknown : UnionToIntersection<TypesOf<C>>;

/** What is the same for every event; context and defaults fill what is absent. */
export interface EventFields {
  /** Made at emit when absent. Give one only to say the same event again. */
  readonly id?: string | undefined;
  /** Now, when absent. */
  readonly occurredAt?: string | Date | undefined;
  readonly tenant?: string | undefined;
  readonly actor?: Party | undefined;
  readonly related?: readonly RelatedParty[] | undefined;
  /** When absent: the type's own, mostly `success`, which an `error` turns into `failure`. */
  readonly outcome?: Outcome | undefined;
  /** The type's own when absent. */
  readonly severity?: Severity | undefined;
  readonly sourceIp?: string | undefined;
  readonly traceId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly message?: string | undefined;
  readonly error?: AuditEvent['error'];
  readonly changes?: AuditEvent['changes'];
  readonly execution?: AuditEvent['execution'];
  readonly attributes?: AuditEvent['attributes'];
}

interface AnyTarget {
  readonly target?: Party | undefined;
}
interface TargetOf<T> {
  /** `type` is the event type's own when absent. */
  readonly target: {
    readonly type?: T | undefined;
    readonly id: string;
    readonly name?: string | undefined;
  };
}
type TargetField<T> = [T] extends [string] ? TargetOf<T> : AnyTarget;

type ReasonField<R> = R extends true
  ? { readonly reason: string }
  : { readonly reason?: string | undefined };

type DataField<D extends z.ZodType> =
  Record<never, never> extends z.input<D>
    ? { readonly data?: z.input<D> | undefined }
    : { readonly data: z.input<D> };

type InputOf<X, Version> =
  X extends EventType<infer D, infer _V, infer _A, infer T, infer R>
    ? EventFields & Version & TargetField<T> & ReasonField<R> & DataField<D>
    : never;

type OlderInput<X> =
  X extends EventType<infer _D, infer V> ? InputOf<X, { readonly version: V }> : never;

type TypedInput<X> = X extends Versions
  ? | InputOf<NewestOf<X>, { readonly version?: VersionNumber<NewestOf<X>> | undefined }>
    | OlderInput<Exclude<VersionsOf<X>, NewestOf<X>>>
  : never;
type VersionNumber<X> = X extends EventType<infer _D, infer V> ? V : never;

/** A free-form event: a line for people, and any data. */
export interface FreeFormInput extends EventFields, AnyTarget {
  readonly message: string;
  readonly reason?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly version?: undefined;
}

/** What emit accepts as `T`'s event in a catalog of the types `M`. */
export type EventInputOf<M, T> = T extends keyof M ? TypedInput<M[T]> : FreeFormInput;
