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
  const held = holdings.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  const rebuilding = holdings.filter(({ mustFetch }) => mustFetch);
  if (held >= bufferBytes) {
    // Whatever is complete leaves sooner or later. Only where nothing is, one range after the other goes
    // on beyond the buffer until it is.
    const canLeave = holdings.some(({ mustFetch, heldBytes }) => !mustFetch && heldBytes > 0);
    return partitionsOf(canLeave ? [] : fullest(rebuilding));
  }
  const hungry = holdings.filter(({ waitingBytes }) => waitingBytes < batchBytes);
  const gathering = held < bufferBytes / 2 ? hungry : fullest(hungry);
  return partitionsOf([...rebuilding, ...gathering]);
}

/** The one that needs the least until its batch can leave; none of none. */
const fullest = (holdings: readonly Holding[]): readonly Holding[] =>
  holdings.toSorted((a, b) => b.waitingBytes - a.waitingBytes).slice(0, 1);

const partitionsOf = (holdings: readonly Holding[]): ReadonlySet<number> =>
  new Set(holdings.map(({ partition }) => partition));
