import { LedgerlineError } from '../../schemas/index.ts';
import { Parameters } from '../search/compile.ts';
import { tenantSql, type TenantScope, tenantsOf } from '../search/scope.ts';

/** Whom an erasure is about: what they are called in ids, names, addresses and texts. */
export interface Person {
  /** Their ids (`u_7`), names, e-mail addresses, telephone numbers: 1 to 50, each of 3 characters or more. */
  readonly identifiers: readonly string[];
  readonly tenant: TenantScope;
}

const MAX_IDENTIFIERS = 50;
const MIN_LENGTH = 3;
const MAX_LENGTH = 500;

/** @throws LedgerlineError `CONFIG_INVALID` for identifiers that would match what is not theirs */
export function checkPerson({ identifiers, tenant }: Person): void {
  tenantsOf(tenant);
  const right =
    identifiers.length >= 1 &&
    identifiers.length <= MAX_IDENTIFIERS &&
    identifiers.every((one) => {
      const { length } = one.trim();
      return length === one.length && length >= MIN_LENGTH && length <= MAX_LENGTH;
    });
  if (right) return;
  throw new LedgerlineError(
    'CONFIG_INVALID',
    'the identifiers are too few, too many or too short',
    {
      hint: `Give 1 to ${MAX_IDENTIFIERS}, each of ${MIN_LENGTH} to ${MAX_LENGTH} characters without blanks around it.`,
    },
  );
}

/**
 * A regular expression (RE2) that finds an identifier as a word of its own, whatever its case: `u_7` is
 * not found in `u_71`, nor `jane@example.com` in `mary-jane@example.com`. Pure.
 */
export function wordPattern(identifiers: readonly string[]): string {
  const words = identifiers.map((one) => one.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return `(?is)(?:^|[^\\p{L}\\p{N}_.@-])(?:${words.join('|')})(?:$|[^\\p{L}\\p{N}_@-])`;
}

/** Marked when its values were replaced, by the id of the erasure. */
export const ERASED_ATTRIBUTE = 'ledger.erased';

/** The texts of an event in which a person may be named. */
const TEXTS = [
  'actor_name',
  'target_name',
  'reason',
  'message',
  'error_message',
  'data',
  'execution',
] as const;
const TEXT_LISTS = ['related.name', 'changes.old', 'changes.new', 'mapValues(attributes)'] as const;

/** Events that are about the person and still have something of theirs. */
export function eventsOf(person: Person, params: Parameters): string {
  return `${ofTenants(person, params)} AND NOT mapContains(attributes, '${ERASED_ATTRIBUTE}') AND (${isParty(person, params)} OR ${isNamed(person, params)})`;
}

/** As actor, target or related party, by id. */
export function isParty({ identifiers }: Person, params: Parameters): string {
  const ids = params.bind(identifiers, 'Array(String)');
  return `(actor_id IN ${ids} OR target_id IN ${ids} OR hasAny(related.id, ${ids}))`;
}

/** In a text. */
export function isNamed({ identifiers }: Person, params: Parameters): string {
  const pattern = params.bind(wordPattern(identifiers), 'String');
  return `(${[
    ...TEXTS.map((text) => `match(${text}, ${pattern})`),
    ...TEXT_LISTS.map((list) => `arrayExists(x -> match(x, ${pattern}), ${list})`),
  ].join(' OR ')})`;
}

/** Messages in quarantine that name the person anywhere: they have no columns that could be told apart. */
export function messagesOf({ identifiers }: Person, params: Parameters): string {
  const pattern = params.bind(wordPattern(identifiers), 'String');
  return `NOT mapContains(headers, '${ERASED_ATTRIBUTE}') AND (match(message, ${pattern}) OR match(message_key, ${pattern}) OR arrayExists(x -> match(x, ${pattern}), mapValues(headers)))`;
}

const ofTenants = ({ tenant }: Person, params: Parameters): string =>
  tenantSql(tenantsOf(tenant), params);
