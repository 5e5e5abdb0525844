/** What ClickHouse's `SHOW GRANTS` says of one right on one table. Pure. */

export interface GrantedTable {
  readonly database: string;
  readonly table: string;
  /** The columns that the right is needed on. Default: all. */
  readonly columns?: readonly string[];
}

/**
 * A right on some columns counts where it has all that are needed; a REVOKE behind a wider GRANT takes it back.
 *
 * @param statements as `GRANT SELECT, INSERT ON ledgerline.* TO worker`
 * @example
 * isGranted(['GRANT SELECT ON *.* TO worker'], 'SELECT', { database: 'ledgerline', table: 'audit_events' }); // true
 */
export function isGranted(
  statements: readonly string[],
  right: 'SELECT' | 'INSERT' | 'ALTER',
  table: GrantedTable,
): boolean {
  const about = statements
    .map(parsed)
    .filter((one) => one !== undefined)
    .filter(({ rights, scope }) => names(rights, right, table.columns) && covers(scope, table));
  return about.some(({ verb }) => verb === 'GRANT') && !about.some(({ verb }) => verb === 'REVOKE');
}

interface Statement {
  readonly verb: string;
  readonly rights: readonly string[];
  readonly scope: string;
}

function parsed(statement: string): Statement | undefined {
  const found = /^(GRANT|REVOKE) (.+) ON (\S+) (?:TO|FROM) /.exec(statement);
  if (!found) return undefined;
  const [, verb = '', rights = '', scope = ''] = found;
  // Columns in parentheses hold commas too.
  return { verb, scope, rights: rights.split(/,(?![^(]*\))/).map((right) => right.trim()) };
}

const names = (
  rights: readonly string[],
  right: string,
  columns: readonly string[] | undefined,
): boolean =>
  rights.some(
    (given) =>
      given === right ||
      given === 'ALL' ||
      given === `${right} TABLE` ||
      (columns !== undefined && isOnAll(columns, right, given)),
  );

/** `SELECT(a, b)` */
function isOnAll(columns: readonly string[], right: string, given: string): boolean {
  const named = new RegExp(`^${right} ?\\((.*)\\)$`).exec(given)?.[1];
  const granted = new Set(named?.replaceAll('`', '').split(/,\s*/));
  return columns.every((column) => granted.has(column));
}

function covers(scope: string, { database, table }: GrantedTable): boolean {
  const [inDatabase = '', inTable = ''] = scope.replaceAll('`', '').split('.');
  return matches(inDatabase, database) && matches(inTable, table);
}

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
