/** The worker that carries events from Kafka into ClickHouse, exactly once, and the proof that it did. */
export { workerConfig } from './config.ts';
export type { WorkerConfig } from './config.ts';
export { checkConnections } from './check.ts';
export type { CheckedConnections } from './check.ts';
export { diagnose } from './doctor/diagnose.ts';
export type { Finding } from './doctor/finding.ts';
export { startWorker } from './worker.ts';
export type { Worker } from './worker.ts';
export { WorkerError } from './worker-error.ts';
export { verify } from './verify/verify.ts';
export type { VerifyOptions, VerifyStep } from './verify/verify.ts';
export type {
  PartitionReport,
  ProducersReport,
  VerifyReport,
  VerifyTotals,
} from './verify/report.ts';
export { createTopic } from './topic.ts';
export type { NewTopic } from './topic.ts';
export { discard } from './quarantine/discard.ts';
export type { DiscardRequest } from './quarantine/discard.ts';
export { FrontDoor } from './quarantine/front-door.ts';
export { formatMessageId, parseMessageId } from './quarantine/message-id.ts';
export type { MessageId, Position } from './quarantine/message-id.ts';
export { isErased, notReplayable } from './quarantine/candidate.ts';
export { placeOfFault, rejudge } from './quarantine/rejudge.ts';
export type { FaultPlace, Standards } from './quarantine/rejudge.ts';
export { replay } from './quarantine/replay.ts';
export type { ReplayOutcome, ReplayRequest } from './quarantine/replay.ts';
export { STATES } from './quarantine/selection.ts';
export type { ResolutionState, Selection } from './quarantine/selection.ts';
export { openQuarantine } from './quarantine/open.ts';
export type { Quarantine } from './quarantine/open.ts';
export type {
  ListedMessage,
  PagePlace,
  QuarantineStore,
  ReasonCount,
  Resolution,
  WholeMessage,
} from './quarantine/store.ts';
export { Transform } from './quarantine/transform.ts';
export type { TransformOptions } from './quarantine/transform.ts';
export type { TransformContext, TransformResult } from './quarantine/transform-protocol.ts';
export { rebuild } from './rebuild/rebuild.ts';
export type { Rebuilding, RebuildOptions, RebuildStep, Rebuilt } from './rebuild/rebuild.ts';
export { swap } from './rebuild/swap.ts';
export type { Swapped, Swapping } from './rebuild/swap.ts';
export { dropTable, rebuildTables } from './rebuild/tables.ts';
export type { RebuildTable } from './rebuild/tables.ts';
