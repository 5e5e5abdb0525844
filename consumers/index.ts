/** The worker that carries events from Kafka into ClickHouse, exactly once, and the proof that it did. */
export { workerConfig } from './config.ts';
export type { WorkerConfig } from './config.ts';
export { startWorker } from './worker.ts';
export type { Worker } from './worker.ts';
export { WorkerError } from './worker-error.ts';
export { verify } from './verify.ts';
export type { PartitionReport, VerifyOptions, VerifyReport } from './verify.ts';
export { createTopic } from './topic.ts';
export type { NewTopic } from './topic.ts';
