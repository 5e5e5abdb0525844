/**
 * At which age a batch leaves that is not full. Every batch becomes a part or more in ClickHouse, and
 * merges can keep up with only so many of them a minute; partitions with a little traffic each would make
 * one part each per `minMs`. So the more partitions are busy, the longer each may gather. Pure.
 */
export interface FlushLimits {
  /** The age at which batches leave while few partitions are busy. */
  readonly minMs: number;
  /** Never later than this, however many are busy. */
  readonly maxMs: number;
  /** What the ledger should get in all, from all workers. */
  readonly insertsPerMinute: number;
}

export interface Traffic {
  /** Partitions of this worker with messages not yet stored, or with some within the last `maxMs`. */
  readonly busy: number;
  /** Partitions of this worker. */
  readonly owned: number;
  /** Partitions of the topic: the other workers' are taken to be as busy as ours. */
  readonly partitions: number;
  /** Bytes of messages in memory, and how many there may be. */
  readonly heldBytes: number;
  readonly bufferBytes: number;
}

export function flushAgeMs(traffic: Traffic, limits: FlushLimits): number {
  const { minMs, insertsPerMinute } = limits;
  const maxMs = Math.max(minMs, limits.maxMs);
  // What fills the buffer leaves by size soon; gathering longer would only keep others from fetching.
  if (traffic.heldBytes >= traffic.bufferBytes / 4) return minMs;
  const share = Math.max(1, traffic.partitions / Math.max(1, traffic.owned));
  const ageMs = (traffic.busy * share * 60_000) / insertsPerMinute;
  return Math.min(maxMs, Math.max(minMs, Math.round(ageMs)));
}
