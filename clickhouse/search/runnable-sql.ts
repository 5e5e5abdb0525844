/** Statements for people: with their values in them, to be run elsewhere. The ledger itself binds them. */

const PARAMETER = /\{(p\d+):((?:[^{}'"]|'[^']*')+)\}/g;

/**
 * A statement with its parameters written out as literals, which can be pasted into any ClickHouse
 * client. Every character that a shell, a terminal or the SQL could take for something else is escaped.
 * Pure.
 */
export function runnableSql(sql: string, params: Readonly<Record<string, unknown>>): string {
  return sql.replace(PARAMETER, (_, name: string, type: string) => literal(params[name], type));
}

function literal(value: unknown, type: string): string {
  if (Array.isArray(value)) {
    const inner = /^Array\((.*)\)$/.exec(type)?.[1] ?? 'String';
    return `[${value.map((item) => bare(item, inner)).join(', ')}]::${type}`;
  }
  return type === 'String'
    ? bare(value, type)
    : /^U?Int|^Float/.test(type)
      ? bare(value, type)
      : `${bare(value, type)}::${type}`;
}

const bare = (value: unknown, type: string): string =>
  /^(?:U?Int\d+|Float\d+)$/.test(type) && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(String(value))
    ? String(value)
    : `'${escaped(String(value))}'`;

/** Letters and signs of ASCII as they are, everything else as its bytes in UTF-8. */
const escaped = (text: string): string =>
  text.replace(/[\\'{}]|[^\x20-\x7e]/gu, (character) =>
    Array.from(
      Buffer.from(character, 'utf8'),
      (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join(''),
  );
