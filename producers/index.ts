export {
  createLedger,
  type CatalogOf,
  type Ledger,
  type LedgerStats,
  type Within,
} from './ledger.ts';
export {
  openPublisher,
  type EncodedEvent,
  type Publication,
  type Publisher,
  type PublishOptions,
  type PublishOutcome,
} from './publisher.ts';
export type { AuditedCall, AuditedOptions } from './commands/audited.ts';
export { COMMAND_DEFAULTS, type CommandOptions } from './commands/command-options.ts';
export type { Executed } from './commands/execute.ts';
export type { CommandResult, CommandStatus } from './commands/run-command.ts';
export {
  amendContext,
  currentContext,
  type AuditContext,
  type ContextFields,
} from './context/context.ts';
export { parseTraceparent, type TraceParent } from './context/traceparent.ts';
export { optionsFromEnv, type EnvironmentOptions } from './environment.ts';
export {
  BATCH_LIMITS,
  DEFAULTS,
  type ClosingOccasion,
  type DeliveryOptions,
  type FsyncPolicy,
  type KafkaConnection,
  type LedgerOptions,
  type SaslOptions,
  type SpoolOptions,
} from './options.ts';
export { FILTER_CAUSES, type FilterCause } from './policy/decision.ts';
export type { PolicyOptions } from './policy/policy-options.ts';
export { LOSS_CAUSES, type Counts, type LossCause } from './counters.ts';
export {
  REJECT_CAUSES,
  type AcceptedReceipt,
  type FilteredReceipt,
  type Delivered,
  type Receipt,
  type RejectCause,
  type Preparation,
  type PreparedReceipt,
  type RejectedReceipt,
  type SpooledReceipt,
  type StoredReceipt,
} from './receipt.ts';
export { DeliveryError } from './delivery-error.ts';
export { applyChanges, invertChanges } from '../schemas/changes/apply-changes.ts';
export { changesBetween } from '../schemas/changes/changes-between.ts';
export { CHANGES_DEFAULTS, type ChangesOptions } from '../schemas/changes/options.ts';
export type { RedactionKey } from './redaction/hash.ts';
export { maskCommand, type MaskedCommand } from './redaction/mask-command.ts';
export { MASK, maskText, type Masking } from './redaction/mask-text.ts';
export type { RedactionOptions } from './redaction/rules.ts';
export { SECRET_NAMES, SecretNames, type SecretNameOptions } from './redaction/secret-names.ts';
export type { DrainReport } from './delivery.ts';
export type { Clock } from './clock.ts';
export type { Compression } from './compression.ts';
export type { Logger } from './logger.ts';
export type { OutboundMessage, SendOutcome, Transport } from './transport.ts';
export {
  authorization,
  category,
  configBackup,
  contacts,
  defineCatalog,
  event,
  gateway,
  infrastructure,
  LedgerlineError,
  LEVELS,
  security,
  sensitive,
  type AuditEvent,
  type Catalog,
  type Category,
  type Change,
  type EventInput,
  type EventTypeName,
  type Level,
  type Party,
  type PolicyDocument,
  type RelatedParty,
  type Treatment,
} from '../schemas/index.ts';
