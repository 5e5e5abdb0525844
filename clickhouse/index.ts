/** The ledger's tables: connection, migrations, retention. */
export { DEFAULT_REQUEST_TIMEOUT_MS, openClickHouse } from './client.ts';
export type {
  CallOptions,
  ClickHouse,
  ClickHouseConfig,
  InsertOptions,
  Settings,
} from './client.ts';
export { ClickHouseError, ClickHouseUnreachable } from './errors.ts';
export type { EngineRefusal } from './errors.ts';
export { migrate } from './migrate.ts';
export type { MigrateOptions } from './migrate.ts';
export { readRetention } from './retention.ts';
export type { RetentionClasses } from './retention.ts';
