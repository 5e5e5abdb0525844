/**
 * Which partitions may fetch, so that all messages held stay within one buffer and batches are still
 * large. Sharing the buffer out evenly would make every batch small; here, once memory is short, one
 * partition at a time fills its batch. Pure.
 */
export interface Holding {
  readonly partition: number;
  /** Bytes of messages in memory: waiting, and on their way to the engine. */
  readonly heldBytes: number;
  /** Of these, what is not in a batch yet. */
  readonly waitingBytes: number;
  /** An earlier owner's batch has to be rebuilt whole, whatever it takes. */
  readonly mustFetch: boolean;
}

export interface FetchLimits {
  /** For all partitions together. */
  readonly bufferBytes: number;
  /** A partition in which a full batch waits needs no more. */
  readonly batchBytes: number;
}

export function mayFetch(holdings: readonly Holding[], limits: FetchLimits): ReadonlySet<number> {
  const { bufferBytes, batchBytes } = limits;
  const allowed = new Set<number>();
  for (const { partition, mustFetch } of holdings) if (mustFetch) allowed.add(partition);
  const held = holdings.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  if (held >= bufferBytes) return allowed;
  const hungry = holdings.filter(({ waitingBytes }) => waitingBytes < batchBytes);
  if (held < bufferBytes / 2) {
    for (const { partition } of hungry) allowed.add(partition);
    return allowed;
  }
  // The fullest first: it needs the least until its batch can leave.
  const [fullest] = hungry.toSorted((a, b) => b.waitingBytes - a.waitingBytes);
  if (fullest) allowed.add(fullest.partition);
  return allowed;
}
