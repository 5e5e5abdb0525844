import { inspect } from 'node:util';
import type { AuditEvent, Catalog, LedgerlineError } from '../../schemas/index.ts';
import { unexercised, type Audited, type Exceptions } from './coverage.ts';
import { mismatches, type Mismatch } from './mismatch.ts';

/** What is expected of an event; members that are not named may be anything. */
export type ExpectedEvent = { readonly [Field in keyof AuditEvent]?: unknown };

export interface HowOften {
  /** Exactly so many such events; at least one when absent. */
  readonly times?: number | undefined;
}

/** The matchers' types, for `expect(…)`. */
export interface LedgerMatchers<R> {
  /** Some event is of this type (or alias) and has all that is expected of it. */
  toHaveAudited(type: string, expected?: ExpectedEvent, howOften?: HowOften): R;
  /** Every type of the catalog has an event. */
  toExerciseCatalog(catalog: Catalog, exceptions?: Exceptions): R;
}

interface Result {
  readonly pass: boolean;
  readonly message: () => string;
}

/** What `expect` was given: a test ledger, a transport, or events. */
interface Source {
  readonly events: readonly AuditEvent[];
  readonly errors: readonly LedgerlineError[];
  readonly catalog: Catalog | undefined;
}

/**
 * Matchers for vitest and jest.
 *
 * @example
 * import { ledgerMatchers } from 'ledgerline/testing';
 * import 'ledgerline/testing/vitest'; // their types
 * expect.extend(ledgerMatchers);
 *
 * expect(ledger).toHaveAudited('app.env_var.updated', { target: { id: 'env_42' } });
 */
export const ledgerMatchers = {
  toHaveAudited(
    received: unknown,
    type: string,
    expected: ExpectedEvent = {},
    { times }: HowOften = {},
  ): Result {
    const source = sourceOf(received);
    const name = source.catalog?.resolve(type)?.type ?? type;
    const ofType = source.events.filter((event) => event.type === name);
    const judged = ofType.map((event) => ({ event, misses: mismatches(expected, event) }));
    const matching = judged.filter(({ misses }) => misses.length === 0).length;
    return {
      pass: times === undefined ? matching > 0 : matching === times,
      message: () =>
        [
          `expected ${wish(name, expected, times)}; there ${countOf(matching)}`,
          ...near(judged.filter(({ misses }) => misses.length > 0)),
          ...(ofType.length === 0 ? otherwise(source, type) : []),
          ...source.errors.map(({ code, message }) => `not recorded: ${code} ${message}`),
        ].join('\n'),
    };
  },

  toExerciseCatalog(received: unknown, catalog: Catalog, exceptions?: Exceptions): Result {
    const missing = unexercised(catalog, sourceOf(received), exceptions);
    return {
      pass: missing.length === 0,
      message: () =>
        missing.length === 0
          ? 'expected some type of the catalog to have no event'
          : `expected an event of every type; there is none of\n  ${missing.join('\n  ')}`,
    };
  },
};

function sourceOf(received: unknown): Source {
  const nothing = { errors: [], catalog: undefined };
  if (Array.isArray(received)) return { ...nothing, events: received as AuditEvent[] };
  const source = received as Partial<Source> & { readonly events?: Audited | (() => AuditEvent[]) };
  const events =
    typeof source?.events === 'function' ? (source.events() as unknown) : source?.events;
  if (!Array.isArray(events)) {
    throw new TypeError('Pass a testLedger, a memoryTransport, or a list of events to expect().');
  }
  return { ...nothing, ...source, events: events as AuditEvent[] };
}

const show = (value: unknown): string =>
  inspect(value, { depth: 6, breakLength: 80, compact: true, maxStringLength: 200 });

const countOf = (count: number): string =>
  count === 0 ? 'is none' : count === 1 ? 'is one' : `are ${count}`;

function wish(type: string, expected: ExpectedEvent, times: number | undefined): string {
  const count = times === undefined ? 'an event' : `${times} event${times === 1 ? '' : 's'}`;
  const like = Object.keys(expected).length === 0 ? '' : ` like ${show(expected)}`;
  return `${count} ${type}${like}`;
}

const NEAREST = 3;

/** The events that miss least, and what each misses. */
function near(judged: readonly { event: AuditEvent; misses: readonly Mismatch[] }[]): string[] {
  return judged
    .toSorted((a, b) => a.misses.length - b.misses.length)
    .slice(0, NEAREST)
    .flatMap(({ event, misses }) => [
      `nearest: ${event.type} ${event.target?.id ?? ''}`.trimEnd(),
      ...misses.map(
        ({ path, expected, found }) =>
          `  ${path}: expected ${show(expected)}, found ${show(found)}`,
      ),
    ]);
}

/** No event is of the type: what there is instead. */
function otherwise({ events, catalog }: Source, type: string): string[] {
  const counts = new Map<string, number>();
  for (const event of events) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  const seen = [...counts].map(([name, count]) => `${name} (${count})`).join(', ');
  const lines = [`audited: ${seen === '' ? 'nothing' : seen}`];
  if (catalog !== undefined && catalog.resolve(type) === undefined) {
    const { message, hint } = catalog.explain(type);
    lines.push(`${message} ${hint}`);
  }
  return lines;
}
