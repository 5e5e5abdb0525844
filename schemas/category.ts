import { LedgerlineError } from './errors.ts';
import type { EventType } from './event-type.ts';
import { isAlias, isCategoryName, isReserved, isTypeName, printable } from './names.ts';
import { PROTECTED_CATEGORIES } from './vocabulary.ts';

/** The versions of one type: one, or several in ascending order. */
export type Versions = EventType | readonly [EventType, ...EventType[]];

export interface CategoryOptions<N extends string, E, F extends boolean> {
  /** What people read: "Server". */
  readonly label: string;
  /** Name of a Lucide icon (https://lucide.dev): `server`, `key-round`. */
  readonly icon: string;
  /** No policy may silence it. Always true of security, authorization and ledger. */
  readonly protected?: boolean;
  /** Accepts types that are not declared, under this category's prefix, with a message. */
  readonly freeForm?: F;
  /** `protected` for protected categories, otherwise `standard`. */
  readonly retentionClass?: string;
  /** `disk` (SIGKILL loses nothing) for protected categories, otherwise `memory`. */
  readonly durability?: 'memory' | 'disk';
  /** What to do when Kafka is away: `spool` for protected categories, otherwise `drop`, counted. */
  readonly onFailure?: 'spool' | 'drop';
  /** The types, by full name: every name begins with the category's own and a dot. */
  readonly events: E & {
    readonly [K in keyof E]: K extends `${N}.${string}` ? unknown : `begin it with "${N}."`;
  };
}

/** A group of event types with one icon, one protection, one retention class. */
export interface Category<N extends string = string, E = unknown, F extends boolean = boolean> {
  readonly name: N;
  readonly label: string;
  readonly icon: string;
  readonly protected: boolean;
  readonly freeForm: F;
  readonly retentionClass: string;
  readonly durability: 'memory' | 'disk';
  readonly onFailure: 'spool' | 'drop';
  /** Every type's versions, ascending. */
  readonly types: ReadonlyMap<string, readonly EventType[]>;
  /** Carries the types to the compiler; never there at run time. */
  readonly inferred?: E;
}

/**
 * Declares a category and its event types.
 *
 * Throws `CATALOG_NAME_INVALID`, `CATALOG_NAME_RESERVED`, `CATALOG_DUPLICATE` or `CATALOG_INVALID`.
 *
 * @example
 * const billing = category('billing', {
 *   label: 'Billing',
 *   icon: 'receipt',
 *   freeForm: true,
 *   events: {
 *     'billing.invoice.sent': event({ operation: 'execute', label: 'Invoice sent', target: 'invoice' }),
 *   },
 * });
 */
export function category<
  const N extends string,
  const E extends Readonly<Record<string, Versions>>,
  const F extends boolean = false,
>(name: N, options: CategoryOptions<N, E, F>): Category<N, E, F> {
  if (isReserved(name)) {
    throw new LedgerlineError(
      'CATALOG_NAME_RESERVED',
      `The category ${printable(name)} is Ledgerline's own.`,
      { hint: 'Choose a name that neither is "ledger" nor begins with "ledger.".' },
    );
  }
  return buildCategory(name, options);
}

/** {@link category} without the reservation: for Ledgerline's own. */
export function buildCategory<
  const N extends string,
  const E extends Readonly<Record<string, Versions>>,
  const F extends boolean = false,
>(name: N, options: CategoryOptions<N, E, F>): Category<N, E, F> {
  if (!isCategoryName(name)) {
    throw misnamed(
      `The category ${printable(name)} is misnamed.`,
      'Use snake_case: config_backup.',
    );
  }
  const pinned = (PROTECTED_CATEGORIES as readonly string[]).includes(name);
  if (pinned && (options.protected === false || !isProtectedClass(options.retentionClass))) {
    throw new LedgerlineError(
      'CATALOG_INVALID',
      `The category "${name}" is always protected and in the retention class "protected".`,
      { hint: 'Leave out protected and retentionClass, or choose another name.' },
    );
  }
  const isProtected = pinned || (options.protected ?? false);
  return Object.freeze({
    name,
    label: options.label,
    icon: options.icon,
    protected: isProtected,
    freeForm: (options.freeForm ?? false) as F,
    retentionClass: options.retentionClass ?? (isProtected ? 'protected' : 'standard'),
    durability: options.durability ?? (isProtected ? 'disk' : 'memory'),
    onFailure: options.onFailure ?? (isProtected ? 'spool' : 'drop'),
    types: typesOf(name, options.events, pinned),
  });
}

const isList = (versions: Versions): versions is readonly [EventType, ...EventType[]] =>
  Array.isArray(versions);

const isProtectedClass = (name: string | undefined): boolean =>
  name === undefined || name === 'protected';

const misnamed = (message: string, hint: string): LedgerlineError =>
  new LedgerlineError('CATALOG_NAME_INVALID', message, { hint });

function typesOf(
  name: string,
  events: Readonly<Record<string, Versions>>,
  pinned: boolean,
): ReadonlyMap<string, readonly EventType[]> {
  const types = new Map<string, readonly EventType[]>();
  for (const [type, declared] of Object.entries(events)) {
    if (!isTypeName(type) || !type.startsWith(`${name}.`)) {
      throw misnamed(
        `The event type ${printable(type)} is misnamed.`,
        `Begin it with "${name}." and use snake_case words joined by dots: ${name}.thing.created.`,
      );
    }
    const versions = isList(declared) ? declared : [declared];
    checkVersions(type, versions, pinned);
    types.set(type, Object.freeze([...versions]));
  }
  return types;
}

function checkVersions(type: string, versions: readonly EventType[], pinned: boolean): void {
  let last = 0;
  for (const { version, aliases, retentionClass } of versions) {
    if (version === last) {
      throw new LedgerlineError(
        'CATALOG_DUPLICATE',
        `The event type "${type}" declares version ${version} twice.`,
        { hint: 'Give each version of a type its own number.' },
      );
    }
    if (version < last) {
      throw new LedgerlineError(
        'CATALOG_INVALID',
        `The versions of the event type "${type}" are out of order.`,
        { hint: 'List versions in ascending order: emit takes the last unless told otherwise.' },
      );
    }
    last = version;
    if (pinned && !isProtectedClass(retentionClass)) {
      throw new LedgerlineError(
        'CATALOG_INVALID',
        `The event type "${type}" cannot leave the retention class "protected".`,
        { hint: 'Leave out its retentionClass.' },
      );
    }
    const bad = aliases.find((alias) => !isAlias(alias));
    if (bad !== undefined) {
      throw misnamed(
        `The event type "${type}" has an alias that is not a well-formed name.`,
        'Use letters, digits and _ . : / - in aliases, at most 128 of them.',
      );
    }
    const reserved = aliases.find(isReserved);
    if (reserved !== undefined) {
      throw new LedgerlineError(
        'CATALOG_NAME_RESERVED',
        `The event type "${type}" has the alias "${reserved}", which is Ledgerline's own.`,
        { hint: 'Choose an alias that does not begin with "ledger.".' },
      );
    }
  }
}
