import { type AccessStep, accessStatements } from '../../clickhouse/index.ts';
import { readEnvironment } from '../environment.ts';
import { print } from '../terminal.ts';

export interface SqlOptions {
  readonly tenant: readonly string[];
  readonly cluster?: string;
  readonly database?: string;
  readonly json?: true;
}

export function runSql(options: SqlOptions): void {
  const { clickhouse } = readEnvironment(process.env).worker;
  const place = {
    database: options.database ?? clickhouse.database,
    cluster: options.cluster ?? clickhouse.cluster,
  };
  const steps = accessStatements(options.tenant, place);
  if (options.json) print(JSON.stringify({ ...place, cluster: place.cluster ?? null, steps }));
  else print(asSql(steps));
}

/** Comments hold no line breaks: tenants' names are checked for them. */
const asSql = (steps: readonly AccessStep[]): string =>
  steps.map(({ says, statements }) => `-- ${says}\n${statements.join(';\n')};`).join('\n\n');
