import { readFileSync } from 'node:fs';
import {
  checkReach,
  contentHash,
  type Fault,
  idleExclusions,
  inOrder,
  located,
  pathText,
  readPolicy,
} from '../../producers/policy/index.ts';
import type { Catalog, Policy } from '../../schemas/index.ts';
import { UsageError } from '../failure.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, counted } from '../terminal.ts';

/** What lint found in a policy file. */
export interface LintReport {
  readonly file: string;
  /** Whether a service would start with it. */
  readonly ok: boolean;
  readonly errors: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** As `ledger.policy.changed` has it; absent when the file is no policy. */
  readonly hash?: string;
  readonly policy?: Policy;
}

interface LintOptions {
  readonly catalog: Catalog;
  /** Rules of other services are then left alone. */
  readonly service: string | undefined;
  readonly nowMs: number;
}

/** @throws UsageError when the file cannot be read */
export function lint(file: string, { catalog, service, nowMs }: LintOptions): LintReport {
  const read = readPolicy(textOf(file));
  if (!read.ok) return { file, ok: false, errors: read.faults, warnings: [] };
  const { policy, locate } = read;
  const { errors, warnings } = checkReach(policy, { catalog, service, nowMs });
  const placed = (faults: readonly Fault[]): Fault[] =>
    inOrder(faults.map((fault) => located(fault, locate)));
  return {
    file,
    ok: errors.length === 0,
    errors: placed(errors),
    warnings: placed([...warnings, ...idleExclusions(policy, catalog)]),
    hash: contentHash(policy),
    policy,
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`The file ${file} cannot be read.`, 'Name a policy file that exists.');
  }
}

/** `policy.yaml:3:12: error: rules[0].match.type matches no type of the catalog`, and a last word. */
export function lintLines({ file, ok, errors, warnings, hash, policy }: LintReport): string[] {
  const line = (kind: string, { path, message, line: row, column }: Fault): string =>
    `${safeText(file)}${row === undefined ? '' : `:${row}:${column}`}: ${kind}: ${safeText(
      [pathText(path) || 'the policy', message].join(' '),
    )}`;
  const lines = [
    ...errors.map((fault) => line(answerColours.red('error'), fault)),
    ...warnings.map((fault) => line(answerColours.yellow('warning'), fault)),
  ];
  const found = [
    errors.length > 0 ? counted(errors.length, 'error') : undefined,
    warnings.length > 0 ? counted(warnings.length, 'warning') : undefined,
  ].filter((part) => part !== undefined);
  const summary = found.join(', ');
  if (!ok || policy === undefined) return [...lines, answerColours.red(summary)];
  const what = `level ${policy.level}, ${counted(policy.rules.length, 'rule')}, hash ${hash}`;
  const good = answerColours.green(`a service can use it: ${what}`);
  return [...lines, ...(summary === '' ? [] : [summary]), good];
}
