import { InvalidArgumentError } from 'commander';

import { UsageError } from '../failure.ts';

/** Gathers `--param name=value` options; the value goes to ClickHouse as it is, never into the SQL. */
export function addParameter(
  text: string,
  known: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  if (at < 0 || !/^[A-Za-z_]\w*$/.test(name)) {
    throw new InvalidArgumentError('Write it as name=value; a name has letters, digits and _.');
  }
  if (Object.hasOwn(known, name)) throw new InvalidArgumentError(`"${name}" is given twice.`);
  return { ...known, [name]: text.slice(at + 1) };
}

/**
 * The parameters as the statement's types want them: those of lists and maps (`{ids:Array(String)}`)
 * are given as JSON, all others are text as it stands.
 *
 * @throws UsageError for a list or map that is not JSON
 */
export function boundParameters(
  sql: string,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const structured = new Set(
    Array.from(sql.matchAll(/\{\s*(\w+)\s*:\s*(?:Array|Tuple|Map)\s*\(/g), ([, name]) => name),
  );
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => [
      name,
      structured.has(name) ? json(name, text) : text,
    ]),
  );
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UsageError(
      `--param ${name} is a list or map in the statement, and not given as JSON`,
      `Write it like --param '${name}=["a","b"]'.`,
    );
  }
}
