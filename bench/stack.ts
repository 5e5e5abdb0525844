import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type Stack } from '../local/stack.ts';

/** Kafka and the engine for one bench, in a folder of their own. */
export function withStack<T>(use: (stack: Stack) => Promise<T>): Promise<T> {
  return withFolder(async (dataDir) => {
    progress('starting Kafka and ClickHouse …');
    const stack = await startStack({ dataDir, compiler: 'optimizing' });
    try {
      return await use(stack);
    } finally {
      await stack.stop();
    }
  });
}

/** A folder for one bench, which goes when it ends, however it ends; one that was named stays. */
export async function withFolder<T>(
  use: (folder: string) => Promise<T>,
  named?: string,
): Promise<T> {
  if (named !== undefined) return use(named);
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // The processes in it have guards, which end them with this one.
  const interrupted = (): never => process.exit(130);
  process.once('exit', remove);
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await use(folder);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    process.off('exit', remove);
    remove();
  }
}

/** Tells the person who waits; stdout belongs to the figures. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** By the nearest rank: of 20 values the second largest is 0.95. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN;

export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** @throws RangeError unless the option is a whole number of at least `least` */
export function wholeNumber(option: string, value: string, least: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new RangeError(`--${option}: a whole number of at least ${least}`);
}
