/** What the facts about ClickHouse mean for a ledger. Pure. */
import { COLUMNS } from '../../schemas/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import type { ClickHouseFacts, TableFacts } from './clickhouse-probe.ts';
import { about, type Finding } from './finding.ts';

/** The first with all that the migrations use: `lightweight_mutation_projection_mode`. */
const OLDEST = [24, 10] as const;
const MIN_DEDUPLICATION_WINDOW = 1_000;
const MANY_PARTS = 1_000;

/** What the migrations set, by table, beside the deduplication window. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  [LEDGER_TABLE]: ['ttl_only_drop_parts = 1'],
  [QUARANTINE_TABLE]: ['ttl_only_drop_parts = 1'],
};

const MIGRATE = 'Run `ledgerline migrate`.';

export function clickhouseFindings(facts: ClickHouseFacts): Finding[] {
  return [
    ...serverFindings(facts),
    ...migrationFindings(facts),
    ...tableFindings(facts, LEDGER_TABLE, facts.holding.ledger, ledgerColumns),
    ...tableFindings(facts, QUARANTINE_TABLE, facts.holding.quarantine, quarantineColumns),
    ...retentionFindings(facts),
    ...erasureFindings(facts),
    ...rightsFindings(facts),
  ];
}

function serverFindings({ version, mostParts }: ClickHouseFacts): Finding[] {
  const { ok, warning, fault } = about('clickhouse');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const recent = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return [
    recent
      ? ok('version', `version ${version}`)
      : fault(
          'version',
          `version ${version} is too old for the tables`,
          `Use ${OLDEST.join('.')} or newer; a current LTS release is best.`,
        ),
    mostParts <= MANY_PARTS
      ? ok('parts', `${mostParts} parts in the fullest table partition`)
      : warning(
          'parts',
          `${mostParts} parts in the fullest table partition: at 3,000 inserts are refused`,
          'Look whether merges run (system.merges), and raise LEDGERLINE_BATCH_AGE_MS.',
        ),
  ];
}

function migrationFindings({ pendingMigrations, newer }: ClickHouseFacts): Finding[] {
  const { ok, fault } = about('tables');
  if (pendingMigrations.length > 0) {
    return [fault('migrations', `not applied: ${pendingMigrations.join(', ')}`, MIGRATE)];
  }
  return [
    ok('migrations', newer ? 'a newer version has migrated the database' : 'all are applied'),
  ];
}

const ledgerColumns = new Map(
  COLUMNS.map(({ name, type }): [string, string | undefined] => [name, type]),
);
const quarantineColumns = new Map(
  QUARANTINE_COLUMNS.map((name): [string, string | undefined] => [name, undefined]),
);

/** @param wanted columns with their types, where these matter */
function tableFindings(
  { tables }: ClickHouseFacts,
  name: string,
  heldBy: string,
  wanted: ReadonlyMap<string, string | undefined>,
): Finding[] {
  const { ok, fault } = about('tables');
  const table = tables.find((one) => one.name === name);
  const holder = tables.find((one) => one.name === heldBy);
  if (!table || !holder) {
    return [fault(name, `there is no table ${table ? heldBy : name}`, MIGRATE)];
  }
  const wrong = wrongColumns(table, wanted);
  const window = Number(/deduplication_window\s*=\s*(\d+)/.exec(holder.ddl)?.[1] ?? 0);
  const unset = (SETTINGS[name] ?? []).filter((setting) => !holder.ddl.includes(setting));
  const hasTtl = /\bTTL\s+(?:greatest\()?\w+\s*\+\s*toIntervalDay/.test(holder.ddl);
  const found: Finding[] = [];
  if (wrong.length > 0) {
    found.push(
      fault(
        `${name}.columns`,
        `${name}: ${wrong.join('; ')}`,
        'Run `ledgerline migrate`; what was changed by hand has to be changed back by hand, as clickhouse/migrations declares it.',
      ),
    );
  }
  if (window < MIN_DEDUPLICATION_WINDOW) {
    found.push(
      fault(
        `${name}.deduplication`,
        `${heldBy} remembers ${window} inserts, too few to recognise a repeated one`,
        `ALTER TABLE ${heldBy} MODIFY SETTING non_replicated_deduplication_window = 10000 (replicated_deduplication_window for replicated tables).`,
      ),
    );
  }
  if (unset.length > 0) {
    found.push(
      fault(
        `${name}.settings`,
        `${heldBy} lacks ${unset.join(', ')}: expiry would rewrite parts instead of dropping them`,
        `ALTER TABLE ${heldBy} MODIFY SETTING ${unset.join(', ')}.`,
      ),
    );
  }
  if (!hasTtl) {
    found.push({
      ...about('tables').warning(
        `${name}.ttl`,
        `${heldBy} has no TTL as the migrations set it: nothing expires by itself`,
        'If expiry was not stopped on purpose, run `ledgerline migrate` to set it again.',
      ),
    });
  }
  return found.length > 0
    ? found
    : [ok(name, `${name}: ${table.columns.length} columns, ${window} inserts remembered, TTL set`)];
}

function wrongColumns(
  table: TableFacts,
  wanted: ReadonlyMap<string, string | undefined>,
): string[] {
  const there = new Map(table.columns.map(({ name, type }) => [name, type]));
  const wrong: string[] = [];
  for (const [name, type] of wanted) {
    const found = there.get(name);
    if (found === undefined) wrong.push(`${name} is missing`);
    else if (type !== undefined && plain(found) !== plain(type))
      wrong.push(`${name} is a ${found}`);
  }
  return wrong;
}

const plain = (type: string): string => type.replace(/\s+/g, '');

function retentionFindings({ retention, tables }: ClickHouseFacts): Finding[] {
  const { ok, fault } = about('tables');
  if (!tables.some(({ name }) => name === LEDGER_TABLE)) return [];
  if (typeof retention['problem'] === 'string') {
    return [
      fault('retention', `the retention classes cannot be read: ${retention['problem']}`, MIGRATE),
    ];
  }
  const classes = Object.entries(retention).map(([name, days]) => `${name} ${days} days`);
  return [ok('retention', classes.join(', '))];
}

function erasureFindings({ erasures }: ClickHouseFacts): Finding[] {
  return erasures
    .filter(({ atWork }) => !atWork)
    .map(({ id, beganAt, actor, tenants }) =>
      about('tables').warning(
        'erasure',
        `the erasure ${id}, begun ${beganAt}${actor === '' ? '' : ` by ${actor}`}, has not ended: part of it may be done`,
        `Run \`ledgerline erase\` again with the same identifiers${tenants === undefined ? '' : ` and --tenant ${tenants.join(' --tenant ')}`}.`,
      ),
    );
}

function rightsFindings({ rights }: ClickHouseFacts): Finding[] {
  const { ok, warning, fault, unknown } = about('rights');
  const unasked = [...rights].filter(([, may]) => may === undefined).map(([right]) => right);
  const lacking = [...rights].filter(([, may]) => may === false).map(([right]) => right);
  const needed = lacking.filter((right) => !right.startsWith('ALTER'));
  const found: Finding[] = [];
  if (unasked.length > 0) {
    found.push(
      unknown(
        'clickhouse',
        `this ClickHouse does not tell what its user may do (SHOW GRANTS FINAL)`,
      ),
    );
  } else if (needed.length === 0) {
    found.push(ok('clickhouse', 'may read and insert'));
  }
  if (needed.length > 0) {
    found.push(
      fault(
        'clickhouse',
        `may not ${needed.join(', ')}`,
        'GRANT it to the user that LEDGERLINE_CLICKHOUSE_USER names.',
      ),
    );
  }
  if (lacking.length > needed.length) {
    found.push(
      warning(
        'alter',
        'may not ALTER the tables: right for a worker; `ledgerline migrate` needs another user',
        'For migrate and retention, grant ALTER and CREATE to a user of their own.',
      ),
    );
  }
  return found;
}
