import { InvalidArgumentError } from 'commander';

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
