import type { RetentionClasses } from './classes.ts';
import type { Part } from './parts.ts';

const DAY_S = 86_400;

/** What a sweep does about one partition of the table: one retention class in one month. */
export interface PartitionSweep {
  readonly retentionClass: string;
  readonly month: string;
  readonly partitionId: string;
  /** Rows of this moment and older have expired; seconds since 1970. */
  readonly cutoffS: number;
  /** Parts of which every row has expired: they are dropped as they are. */
  readonly whole: readonly Part[];
  /** Parts of which some rows have expired: those rows are deleted. */
  readonly mixed: readonly Part[];
}

/** Which partitions have expired rows, oldest first, and how they go. Pure. */
export function sweepPlan(
  parts: readonly Part[],
  classes: RetentionClasses,
  nowS: number,
): PartitionSweep[] {
  const partitions = new Map<string, Part[]>();
  for (const part of parts) {
    const others = partitions.get(part.partitionId);
    if (others) others.push(part);
    else partitions.set(part.partitionId, [part]);
  }
  return [...partitions.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { retentionClass, month, partitionId } = first;
    // As in the table's TTL: a class that it does not know is kept as `standard`.
    const days = classes[retentionClass] ?? classes['standard'];
    if (days === undefined) return [];
    const cutoffS = nowS - days * DAY_S;
    // The books are in whole seconds: a part's last row may be up to a second younger than they say.
    const whole = own.filter(({ newestS }) => newestS + 1 <= cutoffS);
    const mixed = own.filter(({ oldestS, newestS }) => oldestS <= cutoffS && newestS + 1 > cutoffS);
    if (whole.length + mixed.length === 0) return [];
    return [{ retentionClass, month, partitionId, cutoffS, whole, mixed }];
  });
}

/**
 * In how many steps a partition's expired rows are deleted. A step rewrites a column of every part it
 * touches, however few rows it is about, so that small steps cost more than they spare: there are
 * never more than `MAX_STEPS`, and a step is then larger than the batch size asks for. Pure.
 */
export const stepsFor = (rows: number, batchSize: number): number =>
  Math.min(MAX_STEPS, Math.max(1, Math.ceil(rows / batchSize)));

export const MAX_STEPS = 8;
