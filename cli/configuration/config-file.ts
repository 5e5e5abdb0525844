import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { ConfigurationError, type ConfigurationFault } from '../../schemas/configuration-error.ts';

/** Where something stands in a file, both counted from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/** A file of options: what it says, by the same names as environment variables, and where. */
export interface ConfigFile {
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where the value of each option stands. */
  readonly places: ReadonlyMap<string, Place>;
  /** What no option can be judged by: names that are no variable's, values that are no text. */
  readonly faults: readonly ConfigurationFault[];
}

/** Loaded where there is a file to read: it would be a tenth of the start of every command. */
const loadYaml = (): typeof Yaml => createRequire(import.meta.url)('yaml') as typeof Yaml;

const NAME = /^(LEDGERLINE|AUDIT_TRAIL)_[A-Z_]+$/;

/**
 * Reads options from YAML (or JSON, which is YAML): a map of variables' names to texts, numbers, true
 * or false, or lists of texts, which are joined by commas. `null` means the default. Pure but for the
 * reading of the file.
 *
 * @throws ConfigurationError when it cannot be read or is no YAML, with every line that is wrong
 * @example
 * // LEDGERLINE_KAFKA_BROKERS: [kafka-1:9092, kafka-2:9092]
 * readConfigFile('ledgerline.yaml').variables; // { LEDGERLINE_KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092' }
 */
export function readConfigFile(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new ConfigurationError([
      { name: 'LEDGERLINE_CONFIG_FILE', problem: `names a file that cannot be read (${code})` },
    ]);
  }
  return parseConfig(path, text);
}

/** The same for a text. Pure. */
export function parseConfig(path: string, text: string): ConfigFile {
  const yaml = loadYaml();
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    throw new ConfigurationError(
      document.errors.map((error) => ({
        name: located(path, placeOf(error.pos[0])),
        // The code alone: the text may quote the line, and a line may hold a password.
        problem: `is not YAML (${error.code})`,
      })),
    );
  }
  const { contents } = document;
  const variables: Record<string, string> = {};
  const places = new Map<string, Place>();
  const faults: ConfigurationFault[] = [];
  if (contents !== null && !yaml.isMap(contents)) {
    throw new ConfigurationError([
      {
        name: located(path, placeOf(contents.range?.[0] ?? 0)),
        problem: 'must be a map of options',
      },
    ]);
  }
  for (const { key, value } of (contents as Yaml.YAMLMap | null)?.items ?? []) {
    const name = yaml.isScalar(key) ? String(key.value) : '';
    const place = placeOf(startOf(value) ?? startOf(key) ?? 0);
    if (!NAME.test(name) || name === 'LEDGERLINE_CONFIG_FILE') {
      faults.push({
        name: located(path, placeOf(startOf(key) ?? 0)),
        problem: `${NAME.test(name) ? name : 'this name'} is no option that a file can hold`,
      });
      continue;
    }
    places.set(name, place);
    const said = textOf(value, yaml);
    if (said === undefined) {
      faults.push({ name, problem: 'must be a text, a number, true or false, or a list of texts' });
    } else {
      variables[name] = said;
    }
  }
  return { path, variables, places, faults };
}

/** `ledgerline.yaml:3:12` */
export const located = (path: string, { line, column }: Place): string =>
  `${path}:${line}:${column}`;

const startOf = (node: unknown): number | undefined =>
  (node as { readonly range?: readonly number[] | null } | null)?.range?.[0];

function textOf(node: unknown, yaml: typeof Yaml): string | undefined {
  if (node === null) return '';
  if (yaml.isSeq(node)) {
    const items = node.items.map((item) => textOf(item, yaml));
    return items.every((item) => item !== undefined) ? items.join(',') : undefined;
  }
  if (!yaml.isScalar(node)) return undefined;
  const { value } = node;
  if (value === null) return '';
  if (typeof value === 'number') return node.source ?? String(value);
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
}
