/**
 * Who may do what with the ledger's tables, as DDL for an administrator to read and run: this project
 * never makes users. Pure: names in, statements out.
 */
import { assertClusterName, onClusterClause, storedIn } from '../cluster.ts';
import { type AccessPlace, assertTenants, identifier, literal, readerOf, roleOf } from './names.ts';

/** Statements with what they are for. */
export interface AccessStep {
  readonly says: string;
  readonly statements: readonly string[];
}

/** Tables that hold events, and so rows of tenants. */
const EVENT_TABLES = ['audit_events', 'audit_held'] as const;
/** Further tables that on a cluster are spread, and have a local table beneath. */
const SPREAD_TABLES = [...EVENT_TABLES, 'audit_hold_events', 'audit_quarantine'];
/** Every view of the migrations: they hold no rows and run with the rights of whoever asks. */
export const READ_VIEWS = [
  'audit_kept',
  'audit_counts',
  'audit_changes',
  'audit_sessions',
  'audit_refusals',
  'audit_first_seen',
  'audit_hourly',
  'audit_daily',
] as const;

/** What a worker looks at: which offsets are stored already, and which events once were, by their ids. */
export const WRITER_COLUMNS = {
  audit_events: [
    'event_id',
    'occurred_at',
    'kafka_topic',
    'kafka_topic_id',
    'kafka_partition',
    'kafka_offset',
    'ingested_at',
  ],
  audit_quarantine: ['kafka_topic_id', 'kafka_partition', 'kafka_offset', 'reason'],
} as const;

/**
 * Roles and row policies: a writer that can only insert, a role for retention, one for auditors of all
 * tenants, and a reader for each tenant. It can be run again, with more tenants; nothing is granted to
 * anybody but these roles. A tenant that is left out keeps its role: drop it yourself.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for a tenant without a name, named twice, or with invisible
 *   characters; for a cluster name that is none
 *
 * @example
 * const steps = accessStatements(['acme'], { database: 'ledgerline', cluster: undefined });
 * for (const { says, statements } of steps) console.log(`-- ${says}\n${statements.join(';\n')};`);
 */
export function accessStatements(tenants: readonly string[], place: AccessPlace): AccessStep[] {
  assertTenants(tenants);
  if (place.cluster !== undefined) assertClusterName(place.cluster);
  return [writer(place), retention(place), auditor(place), ...tenants.map((t) => reader(t, place))];
}

function writer(place: AccessPlace): AccessStep {
  const role = roleOf('writer', place);
  const tables = Object.keys(WRITER_COLUMNS) as (keyof typeof WRITER_COLUMNS)[];
  return {
    says: 'workers: insert, and look at positions and ids alone',
    statements: [
      createRole(role, place),
      ...tables.flatMap((table) =>
        everyFormOf(table, place).flatMap((form) => [
          grant('INSERT, SHOW TABLES, SHOW COLUMNS', form, role, place),
          grant(`SELECT(${WRITER_COLUMNS[table].join(', ')})`, form, role, place),
        ]),
      ),
      // Rows go through INSERT … SELECT … FROM input(…), and the server is asked which settings it knows.
      grantOn('CREATE TEMPORARY TABLE', '*.*', role, place),
      grantOn('SELECT', 'system.settings', role, place),
      ...policies(role, '1', ['audit_events'], place),
    ],
  };
}

function retention(place: AccessPlace): AccessStep {
  const role = roleOf('retention', place);
  const alter = 'ALTER TTL, ALTER MATERIALIZE TTL, ALTER CONSTRAINT, ALTER DELETE';
  return {
    says: 'retention, holds and erasure: counts, alters and removes, and writes no event',
    statements: [
      createRole(role, place),
      ...SPREAD_TABLES.flatMap((table) =>
        everyFormOf(table, place).map((form) => grant(alter, form, role, place)),
      ),
      // An erasure has to find every table that has events, those of rebuilds as well: none may be hidden from it.
      grantOn(EVERYWHERE, `${identifier(place.database)}.*`, role, place),
      ...['audit_hold_events', 'audit_held']
        .flatMap((table) => everyFormOf(table, place))
        .concat('audit_holds', 'audit_turns', 'audit_erasures')
        .map((table) => grant('INSERT', table, role, place)),
      // While a hold copies, nothing expires.
      grant('SYSTEM TTL MERGES', storedIn('audit_events', place.cluster), role, place),
      grant('CREATE VIEW, DROP VIEW, SELECT', 'audit_kept', role, place),
      ...['parts', 'mutations', 'disks'].map((table) =>
        grantOn('SELECT', `system.${table}`, role, place),
      ),
      ...(place.cluster === undefined ? [] : [grantOn('CLUSTER', '*.*', role, place)]),
      ...policies(role, '1', EVENT_TABLES, place),
    ],
  };
}

function auditor(place: AccessPlace): AccessStep {
  const role = roleOf('auditor', place);
  return {
    says: 'auditors: read everything of every tenant, the quarantine as well',
    statements: [
      createRole(role, place),
      grantOn('SELECT', `${identifier(place.database)}.*`, role, place),
      grantOn(INSERTS_AT_WORK, 'system.processes', role, place),
      ...policies(role, '1', EVENT_TABLES, place),
    ],
  };
}

function reader(tenant: string, place: AccessPlace): AccessStep {
  const role = readerOf(tenant, place);
  return {
    says: `readers of the tenant ${JSON.stringify(tenant)}`,
    statements: [
      createRole(role, place),
      ...EVENT_TABLES.flatMap((table) =>
        everyFormOf(table, place).map((form) => grant('SELECT', form, role, place)),
      ),
      ...READ_VIEWS.map((view) => grant('SELECT', view, role, place)),
      // Which positions are held, and which holds stand: nothing of who asked for them, and why.
      ...everyFormOf('audit_hold_events', place).map((form) => grant('SELECT', form, role, place)),
      grant('SELECT(hold_id, action)', 'audit_holds', role, place),
      grantOn(INSERTS_AT_WORK, 'system.processes', role, place),
      ...policies(role, `tenant_id = ${literal(tenant)}`, EVENT_TABLES, place),
    ],
  };
}

const EVERYWHERE = 'SHOW TABLES, SHOW COLUMNS, SELECT, ALTER UPDATE';
/** Since when statements are at work, for exports, and nothing of what they say. */
const INSERTS_AT_WORK = 'SELECT(elapsed, query_id, query_kind)';

/** On a cluster a Distributed table asks the local ones with the rights of the same user. */
const everyFormOf = (table: string, { cluster }: AccessPlace): string[] => [
  ...new Set([table, storedIn(table, cluster)]),
];

const createRole = (role: string, { cluster }: AccessPlace): string =>
  `CREATE ROLE IF NOT EXISTS ${identifier(role)}${onClusterClause(cluster)}`;

const grant = (rights: string, table: string, role: string, place: AccessPlace): string =>
  grantOn(rights, `${identifier(place.database)}.${identifier(table)}`, role, place);

const grantOn = (rights: string, on: string, role: string, { cluster }: AccessPlace): string =>
  `GRANT${onClusterClause(cluster)} ${rights} ON ${on} TO ${identifier(role)}`;

/** Replaced rather than kept, so that what is run again says what holds. */
const policies = (
  role: string,
  rows: string,
  tables: readonly string[],
  place: AccessPlace,
): string[] =>
  tables
    .flatMap((table) => everyFormOf(table, place))
    .map(
      (table) =>
        `CREATE ROW POLICY OR REPLACE ${identifier(role)}${onClusterClause(place.cluster)} ON ${identifier(place.database)}.${identifier(table)} AS PERMISSIVE FOR SELECT USING ${rows} TO ${identifier(role)}`,
    );
