import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { retentionError, retentionFaults } from './classes.ts';
import type { RetentionClasses } from './classes.ts';

const documentSchema = z.strictObject({ classes: z.record(z.string(), z.number()) });

export interface RetentionSources {
  /** `AUDIT_TRAIL_RETENTION_DAYS`: the days of class `standard`. */
  readonly standardDays?: number | undefined;
  /** `LEDGERLINE_RETENTION_FILE`: a YAML or JSON file with further classes. */
  readonly file?: string | undefined;
}

/**
 * The classes that the environment asks for, ready for `applyRetention`.
 *
 * @throws LedgerlineError `RETENTION_INVALID`, with every fault and its field.
 *
 * @example
 * // retention.yaml
 * // classes:
 * //   gateway_reads: 14
 * //   protected: 730
 * await loadRetention({ standardDays: 90, file: 'retention.yaml' });
 * // { standard: 90, gateway_reads: 14, protected: 730 }
 */
export async function loadRetention(sources: RetentionSources): Promise<RetentionClasses> {
  const { standardDays, file } = sources;
  const fromFile = file === undefined ? {} : await parseRetentionFile(await read(file));
  if (standardDays === undefined) return fromFile;
  if (fromFile['standard'] !== undefined && fromFile['standard'] !== standardDays) {
    throw retentionError([
      'classes.standard: AUDIT_TRAIL_RETENTION_DAYS decides this one too, and differs',
    ]);
  }
  const classes = { standard: standardDays, ...fromFile };
  const faults = retentionFaults(classes);
  if (faults.length > 0) throw retentionError(faults);
  return classes;
}

/** Parses the retention file's text. YAML is loaded here: whoever has no such file need not wait for it. */
export async function parseRetentionFile(text: string): Promise<RetentionClasses> {
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw retentionError(['the retention file is neither YAML nor JSON']);
  }
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    throw retentionError(
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
    );
  }
  const faults = retentionFaults(parsed.data.classes);
  if (faults.length > 0) throw retentionError(faults);
  return parsed.data.classes;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw retentionError([`LEDGERLINE_RETENTION_FILE: ${file} cannot be read`]);
  }
}
