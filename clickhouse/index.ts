/** The ledger's tables: connection, migrations, retention. */
export { DEFAULT_REQUEST_TIMEOUT_MS } from './clickhouse.ts';
export { openClickHouse } from './client.ts';
export type {
  CallOptions,
  ClickHouse,
  ClickHouseConfig,
  InsertOptions,
  Settings,
} from './clickhouse.ts';
export { ENGINE_CODES } from './engine-codes.ts';
export type { CodeClass } from './engine-codes.ts';
export { ClickHouseError, ClickHouseUnreachable } from './errors.ts';
export type { EngineRefusal } from './errors.ts';
export { storedIn } from './cluster.ts';
export { migrate, plannedMigrations } from './migrate.ts';
export { migrationState } from './migration-state.ts';
export type { MigrateOptions, MigrationStep } from './migrate.ts';
export { daysInForce, DEFAULT_RETENTION, MAX_RETENTION_DAYS } from './retention/classes.ts';
export type { RetentionClasses, RetentionState } from './retention/classes.ts';
export {
  applyRetention,
  readRetention,
  readRetentionState,
  setCleanup,
} from './retention/retention.ts';
export type { RetentionChange } from './retention/retention.ts';
export { loadRetention } from './retention/file.ts';
export type { RetentionSources } from './retention/file.ts';
export { history } from './history/history.ts';
export { inventory } from './history/inventory.ts';
export type { Moment } from './history/moment.ts';
export type { Existence, Gap } from './history/rebuilding.ts';
export type { EventRef, Unknown } from './history/record-tree.ts';
export { type KnownField, stateAt, type TargetState, type UnknownField } from './history/state.ts';
export type { TargetKey } from './history/target-events.ts';
export {
  type EventToEmit,
  undo,
  type Undo,
  type Undone,
  type UndoOptions,
} from './history/undo.ts';
export { type Conflict, UndoRefused } from './history/undoing.ts';
export type { PatchOperation, UnknownPlace } from './history/going-back.ts';
export * from './search/index.ts';
export { previewRetention, retentionStatus } from './retention/status.ts';
export type { ClassPreview, ClassStatus, RetentionStatus } from './retention/status.ts';
export { sweep } from './retention/sweep.ts';
export type { SweepOptions, SweepProgress, SweepResult } from './retention/sweep.ts';
export { EXPORT_FORMATS, type ExportFormat } from './export/formats.ts';
export { type ExportOptions, type ExportPlan, openExport, planExport } from './export/export.ts';
export type { InsertAtWork, Settling } from './export/settled.ts';
export { type Hold, listHolds } from './holds/holds.ts';
export {
  type NewHold,
  placeHold,
  type Release,
  releaseHold,
  type Synced,
  syncHolds,
} from './holds/place.ts';
export type { KeepingWork, Waiting } from './holds/turn.ts';
export {
  type BegunErasure,
  erase,
  type Erasure,
  ErasureIncomplete,
  type ErasureOptions,
} from './erasure/erase.ts';
export { ERASED_ATTRIBUTE, ERASED_NUMBER, type Person } from './erasure/person.ts';
export {
  checkReason,
  type UnfinishedErasure,
  unfinishedErasures,
  unfinishedOf,
} from './erasure/record.ts';
export { findTraces, totalOf, type Traces } from './erasure/traces.ts';
export { detect, type DetectOptions, type Detected, type Unjudged } from './detection/detect.ts';
export { defineDetector, type Detector, type Threshold } from './detection/detector.ts';
export type { Finding } from './detection/finding.ts';
export { DETECTORS } from './detectors/all.ts';
export { type AccessStep, accessStatements, WRITER_COLUMNS } from './access/statements.ts';
