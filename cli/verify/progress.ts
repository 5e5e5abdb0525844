import { Presets, SingleBar } from 'cli-progress';
import type { VerifyStep } from '../../consumers/index.ts';

export interface VerifyProgress {
  readonly heard: (step: VerifyStep, done: number, total: number) => void;
  stop(): void;
}

const WORDS: Readonly<Record<VerifyStep, string>> = {
  offsets: 'Counting offsets',
  absences: 'Asking Kafka about absent offsets',
  contents: 'Comparing contents',
  producers: 'Accounting for producers',
};

/** A bar on stderr with the time left; nothing where stderr is no terminal. */
export function verifyProgress(): VerifyProgress {
  if (!process.stderr.isTTY) return { heard: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: '{step} {bar} {percentage}% | {value} of {total} offsets | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  let current: VerifyStep | undefined;
  return {
    heard: (step, done, total) => {
      if (step !== current) {
        if (current !== undefined) bar.stop();
        bar.start(Math.max(1, total), done, { step: WORDS[step] });
        current = step;
      } else {
        bar.update(done);
      }
    },
    stop: () => bar.stop(),
  };
}
