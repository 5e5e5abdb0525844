import type { EventInputOf, FreeFormOf, MergedTypes } from './catalog-types.ts';
import type { Category } from './category.ts';
import { LedgerlineError } from './errors.ts';
import { isTypeName, printable, unknownType } from './names.ts';
import { freeFormEvent, resolvedEvent, type ResolvedEvent } from './resolved-event.ts';

/**
 * All categories and event types of a deployment. `M` maps names and aliases to types, `F` names
 * the categories that accept free-form types; both exist for the compiler only.
 */
export interface Catalog<M = unknown, F extends string = string> {
  readonly categories: ReadonlyMap<string, Category>;
  /** The newest version of every declared type, in order of declaration. */
  readonly events: readonly ResolvedEvent[];
  /**
   * Everything emit needs to know of a type, by name or alias; the newest version unless one is
   * named. `undefined`: unknown, and {@link Catalog.explain} says why. Constant time.
   */
  resolve(typeOrAlias: string, version?: number): ResolvedEvent | undefined;
  /** Why `resolve` found nothing: `EVENT_TYPE_UNKNOWN` or `EVENT_VERSION_UNKNOWN`, and the way out. */
  explain(typeOrAlias: unknown, version?: number): LedgerlineError;
  /** Carries the types to the compiler; never there at run time. */
  readonly inferred?: { readonly types: M; readonly freeForm: F };
}

/** The names that emit accepts: types, aliases, and anything under a free-form category's prefix. */
export type EventTypeName<C> =
  C extends Catalog<infer M, infer F> ? (keyof M & string) | `${F}.${string}` : never;

/** What emit must be given for the type or alias `T`. */
export type EventInput<C, T> = C extends Catalog<infer M> ? EventInputOf<M, T> : never;

type CategoryIn<P> = P extends Category ? P : never;
type TypesIn<P> = P extends Catalog<infer M> ? M : unknown;
type FreeFormIn<P> = P extends Catalog<infer _M, infer F> ? F : FreeFormOf<P>;
type TypesInAll<P extends readonly unknown[]> = P extends readonly [infer Head, ...infer Tail]
  ? TypesIn<Head> & MergedTypes<CategoryIn<Head>> & TypesInAll<Tail>
  : unknown;

/** Free-form types cost a lookup in two steps; the first so many are remembered. */
const REMEMBERED_FREE_FORM_TYPES = 1000;

/**
 * Combines categories, and catalogs such as the built-in ones, into one catalog.
 *
 * Throws `CATALOG_DUPLICATE` when a category, type or alias is declared twice.
 *
 * @example
 * const catalog = defineCatalog(
 *   infrastructure,
 *   security,
 *   category('billing', {
 *     label: 'Billing',
 *     icon: 'receipt',
 *     events: {
 *       'billing.invoice.sent': event({ operation: 'execute', label: 'Invoice sent', target: 'invoice' }),
 *     },
 *   }),
 * );
 * catalog.resolve('billing.invoice.sent')?.operation; // 'execute'
 */
export function defineCatalog<const P extends readonly (Category | Catalog)[]>(
  ...parts: P
): Catalog<TypesInAll<P>, FreeFormIn<P[number]>> {
  const categories = new Map<string, Category>();
  const newest = new Map<string, ResolvedEvent>();
  const versions = new Map<string, ReadonlyMap<number, ResolvedEvent>>();
  const owners = new Map<string, string>();

  const claim = (name: string, what: string): void => {
    const owner = owners.get(name);
    if (owner !== undefined) throw duplicate(what, name, owner);
    owners.set(name, what);
  };

  for (const part of parts.flatMap((each) =>
    'categories' in each ? [...each.categories.values()] : [each],
  )) {
    if (categories.has(part.name)) throw duplicate('category', part.name, 'category');
    categories.set(part.name, part);
    for (const [type, declared] of part.types) {
      claim(type, 'type');
      const resolved = declared.map((version) => resolvedEvent(part, type, version));
      const byVersion = new Map(resolved.map((each) => [each.version, each]));
      const last = resolved.at(-1);
      if (last === undefined) continue;
      for (const name of [type, ...new Set(declared.flatMap((each) => each.aliases))]) {
        if (name !== type) claim(name, 'alias');
        newest.set(name, last);
        versions.set(name, byVersion);
      }
    }
  }

  const freeForm = new Map<string, ResolvedEvent>();
  const resolveFreeForm = (name: string): ResolvedEvent | undefined => {
    const known = freeForm.get(name);
    if (known !== undefined || typeof name !== 'string') return known;
    const owner = categories.get(name.slice(0, name.indexOf('.')));
    if (owner?.freeForm !== true || !isTypeName(name)) return undefined;
    const made = freeFormEvent(owner, name);
    if (freeForm.size < REMEMBERED_FREE_FORM_TYPES) freeForm.set(name, made);
    return made;
  };

  return Object.freeze({
    categories,
    events: Object.freeze([...new Set(newest.values())]),
    resolve: (typeOrAlias: string, version?: number) =>
      version === undefined
        ? (newest.get(typeOrAlias) ?? resolveFreeForm(typeOrAlias))
        : versions.get(typeOrAlias)?.get(version),
    explain: (typeOrAlias: unknown, version?: number) => {
      const known = typeof typeOrAlias === 'string' ? versions.get(typeOrAlias) : undefined;
      return known === undefined || version === undefined
        ? unknownType(typeOrAlias, newest.keys())
        : unknownVersion(typeOrAlias, known.keys());
    },
  });
}

const duplicate = (what: string, name: string, owner: string): LedgerlineError =>
  new LedgerlineError(
    'CATALOG_DUPLICATE',
    `The ${what} "${name}" is already declared as a ${owner}.`,
    { hint: `Rename one of the two, or combine the catalog that declares it only once.` },
  );

const unknownVersion = (type: unknown, known: Iterable<number>): LedgerlineError =>
  new LedgerlineError(
    'EVENT_VERSION_UNKNOWN',
    `The event type ${printable(type)} has no such version.`,
    { hint: `Known versions: ${[...known].join(', ')}. Leave the version out for the newest.` },
  );
