import type { Environment } from './environment.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { Publishing } from './publishing.ts';
import { safeText } from './safe-text.ts';
import { asideColours, goOnWithoutReader, say } from './terminal.ts';

export interface Job {
  readonly publishing: Publishing;
  /** Aborted by Ctrl-C: take no more. */
  readonly signal: AbortSignal;
  /** Tells of a bad line or record, counts it, and goes on. */
  readonly bad: (where: string, reason: string) => void;
}

export interface JobResult {
  /** Acknowledged by Kafka. */
  readonly stored: number;
  /** Bad lines or records. */
  readonly bad: number;
  /** Good ones that Kafka did not take. */
  readonly lost: number;
  readonly interrupted: boolean;
  /** What ended the job before its input did. */
  readonly failure: Error | undefined;
}

/**
 * Runs a job that publishes what it reads: connects first, waits at the end until all that was
 * taken is acknowledged, also after Ctrl-C or a failure.
 *
 * @param aside prints a line; a progress bar steps aside for it
 * @throws LedgerlineError when Kafka cannot be reached; nothing was read then
 */
export async function publishingJob(
  environment: Environment,
  run: (job: Job) => Promise<void>,
  aside: (print: () => void) => void = (print) => print(),
): Promise<JobResult> {
  goOnWithoutReader();
  let bad = 0;
  const complain = (where: string, reason: string): void => {
    aside(() => say(`${asideColours.red(safeText(where))}: ${safeText(reason)}`));
  };
  const publishing = await Publishing.open(environment, (where, error) =>
    complain(where, `did not reach Kafka: ${error.message}`),
  );
  using interruption = interruptible();
  const { signal } = interruption;
  let failure: Error | undefined;
  try {
    await run({
      publishing,
      signal,
      bad: (where, reason) => {
        bad += 1;
        complain(where, reason);
      },
    });
  } catch (error) {
    // Streams that are cut off by Ctrl-C say so in many ways.
    if (!signal.aborted) failure = error instanceof Error ? error : new Error(String(error));
  }
  const { stored, lost } = await publishing.finish();
  return { stored, lost, bad, interrupted: signal.aborted, failure };
}

/** The exit code of a job whose summary has been printed; throws what ended it early. */
export function concluded({ failure, interrupted, bad, lost }: JobResult): ExitCode {
  if (failure !== undefined) throw failure;
  if (interrupted) return EXIT.interrupted;
  return bad + lost > 0 ? EXIT.faults : EXIT.fine;
}
