import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import {
  LedgerlineError,
  policySchema,
  ruleWithoutAction,
  type Policy,
} from '../../schemas/index.ts';

/** Where in a document: `['rules', 2, 'match', 'type']`. */
export type Path = readonly (string | number)[];

/** What is wrong with a policy, and where. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  /** The key itself is wrong, and not what it says. */
  readonly ofKey?: true;
  /** From 1; absent where the policy is an object and no text. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** Where a part of the text is, from 1. Undefined for a policy without text. */
export type Locate = (
  path: Path,
  ofKey?: boolean,
) => { readonly line: number; readonly column: number } | undefined;

export type PolicyRead =
  | { readonly ok: true; readonly policy: Policy; readonly locate: Locate }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A policy is written by people: more than this is another file. */
const MAX_CHARACTERS = 1024 * 1024;

/**
 * Reads a policy's text, YAML or JSON, and finds all its faults at once. Pure.
 *
 * @example
 * readPolicy('version: 1\nlevel: al\n');
 * // { ok: false, faults: [{ path: ['level'], message: 'must be one of all, …', line: 2, column: 8 }] }
 */
export function readPolicy(text: string): PolicyRead {
  if (text.length > MAX_CHARACTERS) {
    return { ok: false, faults: [{ path: [], message: 'is larger than 1 MiB' }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ message, pos }) => ({
      path: [],
      message: `is neither YAML nor JSON: ${message}`,
      ...at(pos[0]),
    }));
    return { ok: false, faults };
  }
  const locate: Locate = (path, ofKey = false) => {
    const offset = offsetOf(document, path, ofKey);
    return offset === undefined ? undefined : at(offset);
  };
  let given: unknown;
  try {
    given = document.toJS({ maxAliasCount: 100 });
  } catch {
    return { ok: false, faults: [{ path: [], message: 'repeats itself too often with aliases' }] };
  }
  return checkPolicy(given, locate);
}

/** Checks a policy that is an object already. Pure. */
export function checkPolicy(given: unknown, locate: Locate = () => undefined): PolicyRead {
  const parsed = policySchema.safeParse(given);
  if (parsed.success) return { ok: true, policy: parsed.data, locate };
  const faults = parsed.error.issues
    .flatMap((issue) => [issue, ...behindAction(issue, given)])
    .flatMap((issue) => faultsOf(issue, given))
    .map((fault) => located(fault, locate));
  return { ok: false, faults: inOrder(faults) };
}

export const located = (fault: Fault, locate: Locate): Fault => ({
  ...fault,
  ...locate(fault.path, fault.ofKey),
});

export const inOrder = (faults: readonly Fault[]): Fault[] =>
  faults.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

/** The other faults of a rule whose action is unknown. */
function behindAction({ code, path }: z.core.$ZodIssue, given: unknown): z.core.$ZodIssue[] {
  if (code !== 'invalid_union') return [];
  const rule = path.slice(0, -1);
  const { error } = ruleWithoutAction.safeParse(valueAt(given, textPath(rule)));
  return (error?.issues ?? []).map((issue) => ({ ...issue, path: [...rule, ...issue.path] }));
}

const textPath = (path: readonly PropertyKey[]): Path =>
  path.map((part) => (typeof part === 'number' ? part : String(part)));

function faultsOf(issue: z.core.$ZodIssue, given: unknown): Fault[] {
  const path = textPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: 'is not known here',
      ofKey: true,
    }));
  }
  const rule =
    issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
      ? `must be ${KINDS[issue.expected] ?? issue.expected}`
      : issue.message;
  const missing = valueAt(given, path) === undefined;
  return [{ path, message: missing ? `is missing: ${rule}` : rule }];
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
};

/** What is at a path; a single value stands for the list of it. */
function valueAt(given: unknown, path: Path): unknown {
  let value = given;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return part === 0 ? value : undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}

/** Where a part begins: its value; its key where that is what is wrong; else what should hold it. */
function offsetOf(document: Document, path: Path, ofKey: boolean): number | undefined {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      if (ofKey && index === path.length - 1) break;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
    } else {
      break;
    }
    const range = (node as { readonly range?: readonly number[] | null } | null)?.range;
    // A group below a key has the key's place: what is in it begins on another line.
    if (!isMap(node) || typeof part === 'number') offset = range?.[0] ?? offset;
  }
  return offset;
}

/** `rules[2].match.type`. */
export const pathText = (path: Path): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
    '',
  );

/** `line 7, column 12: rules[2].match.type is empty`. */
export function faultText({ path, message, line, column }: Fault): string {
  const place = line === undefined ? '' : `line ${line}, column ${column}: `;
  return `${place}${[pathText(path) || 'the policy', message].join(' ')}`;
}

/** All faults of a policy in one error, a line each. */
export const policyInvalid = (name: string, faults: readonly Fault[]): LedgerlineError =>
  new LedgerlineError(
    'POLICY_INVALID',
    [`${name} cannot be used:`, ...faults.map((fault) => `  ${faultText(fault)}`)].join('\n'),
    {
      hint: 'Correct it and check it with ledgerline policy lint; docs/policy.md has every option.',
    },
  );
