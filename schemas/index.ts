export {
  COLUMNS,
  INSERT_COLUMNS,
  MAX_MESSAGE_BYTES,
  PRODUCER_COLUMNS,
  type Column,
  type ProducerColumnName,
  type StandardPaths,
} from './columns.ts';
export { WIRE_VERSION } from './wire-version.ts';
export {
  ERROR_CODES,
  LedgerlineError,
  type ErrorCode,
  type LedgerlineErrorOptions,
} from './errors.ts';
export { ConfigurationError, type ConfigurationFault } from './configuration-error.ts';
export {
  KAFKA_SECURITY_VARIABLES,
  kafkaSecurity,
  textOf,
  withoutLineEnd,
  type KafkaSecurity,
} from './kafka-security.ts';
export type { AuditEvent, Change, Party, PolicyStamp, RelatedParty } from './event.ts';
export {
  CHANGE_OPS,
  OPERATIONS,
  OUTCOMES,
  PROTECTED_CATEGORIES,
  RETENTION_CLASSES,
  SEVERITIES,
  type ChangeOp,
  type Operation,
  type Outcome,
  type Severity,
} from './vocabulary.ts';
export {
  expiryOf,
  LEVELS,
  LIMIT_KEYS,
  policySchema,
  ruleWithoutAction,
  type Level,
  type Limit,
  type LimitKey,
  type Match,
  type Policy,
  type PolicyDocument,
  type Rule,
} from './policy-document.ts';
export { wireRowSchema, type WireRow } from './wire-row.ts';
export { defineCatalog, type Catalog, type EventInput, type EventTypeName } from './catalog.ts';
export type { EventFields, FreeFormInput } from './catalog-types.ts';
export { category, type Category, type CategoryOptions } from './category.ts';
export { event, type DataSchema, type EventType, type EventTypeOptions } from './event-type.ts';
export {
  checkInput,
  outcomeOf,
  type InputCheck,
  type ResolvedEvent,
  type SensitiveParts,
} from './resolved-event.ts';
export { sensitive, type Treatment } from './sensitive.ts';
export { OPEN, type FieldNode } from './sensitive-fields.ts';
export { encodeRow } from './encode-row.ts';
export { formatMicros, wireInstant } from './instant.ts';
export { messageKey } from './message-key.ts';
export { nearestName } from './names.ts';
export { uuidv5, uuidv7 } from './uuid.ts';
export { decodeRow } from './decode-row.ts';
export { wireJsonSchema } from './wire-json-schema.ts';
export { authorization } from './catalogs/authorization.ts';
export { configBackup } from './catalogs/config-backup.ts';
export { contacts } from './catalogs/contacts.ts';
export { gateway } from './catalogs/gateway.ts';
export { infrastructure } from './catalogs/infrastructure.ts';
export { ledgerEvents } from './catalogs/ledger.ts';
export { security } from './catalogs/security.ts';
export { toCadf, toCloudEvent, toEcs, toOcsf, type StandardEvent } from './standards.ts';
export { mendConnections } from './kafka-connection.ts';
