export { outboxInsert, type OutboxInsert } from './insert.ts';
export { startRelay, type Relay, type RelayOptions, type RelayStats } from './relay.ts';
export { migrateOutbox, outboxSql } from './migrate.ts';
export type { OutboxRoles } from './grants.ts';
export { OUTBOX_DEFAULTS, outboxFromEnv, type OutboxConfig } from './options.ts';
export { openSession, type Session } from './postgres.ts';
export { outboxStatus, type OutboxStatus } from './status.ts';
export { rejectedEvents, retryRejected, type RejectedEvent } from './rejected.ts';
export type { RejectedReason } from './judge.ts';
