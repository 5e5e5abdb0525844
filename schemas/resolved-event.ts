import { z } from 'zod';
import type { Category } from './category.ts';
import { LedgerlineError } from './errors.ts';
import type { DataSchema, EventType } from './event-type.ts';
import { fieldsOf } from './schema-fields.ts';
import { anyOf, type FieldNode, hashes, needsTreatment, OPEN } from './sensitive-fields.ts';
import type { Operation, Outcome, Severity } from './vocabulary.ts';

/** Everything emit needs to know of one version of one type, looked up once and frozen. */
export interface ResolvedEvent {
  readonly type: string;
  readonly version: number;
  readonly label: string;
  readonly operation: Operation;
  readonly severity: Severity;
  /** What emit assumes when it is given neither an outcome nor an error. */
  readonly outcome: Outcome;
  readonly aliases: readonly string[];
  /** The target's type, where the event type is about one. */
  readonly target: string | undefined;
  readonly requiresReason: boolean;
  /** Not declared, but accepted by its category; needs a message. */
  readonly freeForm: boolean;
  readonly category: string;
  readonly categoryLabel: string;
  readonly icon: string;
  readonly protected: boolean;
  readonly retentionClass: string;
  readonly durability: 'memory' | 'disk';
  readonly onFailure: 'spool' | 'drop';
  readonly data: DataSchema;
  readonly sensitive: SensitiveParts;
}

/** What of a type's events must be treated before it leaves the process. */
export interface SensitiveParts {
  /** Of the data; undefined: nothing. */
  readonly data: FieldNode | undefined;
  /** Of the record that `changes` are about: the data's fields and those of the type's `record`. */
  readonly changes: FieldNode;
  /** Something is hashed, which takes a key. */
  readonly hashes: boolean;
}

type Data = Readonly<Record<string, unknown>>;

/** What {@link checkInput} says: the data as the schema left it (none if there is none), or the fault. */
export type InputCheck =
  | { readonly ok: true; readonly data: Data | undefined }
  | { readonly ok: false; readonly error: LedgerlineError };

export function resolvedEvent(
  category: Category,
  type: string,
  declared: EventType,
): ResolvedEvent {
  let data: DataSchema | undefined;
  return Object.freeze({
    type,
    version: declared.version,
    label: declared.label,
    operation: declared.operation,
    severity: declared.severity,
    outcome: declared.outcome,
    aliases: declared.aliases,
    target: declared.target,
    requiresReason: declared.requiresReason,
    freeForm: false,
    category: category.name,
    categoryLabel: category.label,
    icon: category.icon,
    protected: category.protected,
    retentionClass: declared.retentionClass ?? category.retentionClass,
    durability: category.durability,
    onFailure: category.onFailure,
    // Compiled validators take a third of the time; zod hands back the schema when it cannot. Made at
    // the first event: most processes see few of a catalog's types, and some commands none.
    get data() {
      return (data ??= z.compile(declared.data));
    },
    sensitive: sensitiveParts(declared),
  });
}

function sensitiveParts({ data, record }: EventType): SensitiveParts {
  const inData = fieldsOf(data);
  const changes = anyOf([inData, record && fieldsOf(record)]) ?? OPEN;
  return {
    data: needsTreatment(inData) ? inData : undefined,
    changes,
    hashes: hashes(inData) || hashes(changes),
  };
}

const ANY_DATA: DataSchema = z.record(z.string(), z.unknown());

/** A type that nobody declared, in a category that accepts such. */
export const freeFormEvent = (category: Category, type: string): ResolvedEvent =>
  Object.freeze({
    type,
    version: 1,
    label: category.label,
    operation: 'unknown',
    severity: 'informational',
    outcome: 'success',
    aliases: [],
    target: undefined,
    requiresReason: false,
    freeForm: true,
    category: category.name,
    categoryLabel: category.label,
    icon: category.icon,
    protected: category.protected,
    retentionClass: category.retentionClass,
    durability: category.durability,
    onFailure: category.onFailure,
    data: ANY_DATA,
    sensitive: { data: OPEN, changes: OPEN, hashes: false },
  });

interface CheckedInput {
  readonly target?: unknown;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly data?: unknown;
}

/**
 * Whether an input has what its type demands: target, reason, message, data. Returns, never
 * throws: `EVENT_TARGET_REQUIRED`, `EVENT_REASON_REQUIRED`, `EVENT_MESSAGE_REQUIRED` or
 * `EVENT_DATA_INVALID`, which names the paths and rules of all faults and none of the values.
 */
export function checkInput(definition: ResolvedEvent, input: CheckedInput): InputCheck {
  if (definition.target !== undefined && input.target === undefined) {
    return refused(
      'EVENT_TARGET_REQUIRED',
      definition,
      `needs a target of the type "${definition.target}"`,
      'Pass target: { id }.',
    );
  }
  if (definition.requiresReason && !input.reason) {
    return refused(
      'EVENT_REASON_REQUIRED',
      definition,
      'needs a stated reason',
      'Pass reason: why the actor did it.',
    );
  }
  if (definition.freeForm && !input.message) {
    return refused(
      'EVENT_MESSAGE_REQUIRED',
      definition,
      'is free-form and needs a message',
      'Pass message, or declare the type with event().',
    );
  }
  if (definition.freeForm && input.data === undefined) return { ok: true, data: undefined };
  return checkData(definition, input.data);
}

function checkData(definition: ResolvedEvent, data: unknown): InputCheck {
  try {
    const parsed = definition.data.safeParse(data ?? {});
    if (parsed.success) return { ok: true, data: data === undefined ? undefined : parsed.data };
    const fields = fieldsOf(definition.data);
    const faults = parsed.error.issues.map(
      (issue) => `${pathOf(fields, issue.path)}: ${ruleOf(issue)}`,
    );
    return refused(
      'EVENT_DATA_INVALID',
      definition,
      `has wrong data (${faults.join('; ')})`,
      'Correct these fields, or declare a new version of the type.',
    );
  } catch (thrown) {
    // A throwing getter of the caller's, or a refinement's bug, must not reach the caller of emit;
    // nor may its text reach a log: who knows what it quotes.
    const kind = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
    return refused(
      'EVENT_DATA_INVALID',
      definition,
      `has data that cannot be read (${kind})`,
      'Pass plain objects without throwing getters.',
    );
  }
}

/** Keys that no schema names are the caller's, and may be anything: a record of tokens has them. */
function pathOf(fields: FieldNode | undefined, path: readonly PropertyKey[]): string {
  let node = fields;
  let text = 'data';
  for (const key of path) {
    const isDeclared = typeof key === 'number' || !(node?.isUndeclared(String(key)) ?? true);
    text += isDeclared ? `.${String(key)}` : '.*';
    node = node?.member(String(key));
  }
  return text;
}

/** zod's own texts name kinds and limits, not values, but for keys that the caller made up. */
const ruleOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys'
    ? `${issue.keys.length} unknown key(s)`
    : issue.code === 'invalid_type'
      ? `expected ${issue.expected}`
      : issue.code;

function refused(
  code:
    | 'EVENT_TARGET_REQUIRED'
    | 'EVENT_REASON_REQUIRED'
    | 'EVENT_MESSAGE_REQUIRED'
    | 'EVENT_DATA_INVALID',
  definition: ResolvedEvent,
  what: string,
  hint: string,
): InputCheck {
  const name = `"${definition.type}" version ${definition.version}`;
  return {
    ok: false,
    error: new LedgerlineError(code, `The event ${name} ${what}.`, { hint }),
  };
}

/**
 * How an event ended: as its input states; or as its type says, mostly with success, which an error
 * turns into a failure. A type that is about a refusal stays denied, and the error says why.
 */
export function outcomeOf(
  own: Outcome,
  input: { readonly outcome?: Outcome | undefined; readonly error?: unknown },
): Outcome {
  if (input.outcome !== undefined) return input.outcome;
  return own === 'success' && input.error !== undefined ? 'failure' : own;
}
