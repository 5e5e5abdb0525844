import { Presets, SingleBar } from 'cli-progress';
import type { RebuildStep } from '../../consumers/index.ts';

const WORDS: Readonly<Record<RebuildStep, string>> = {
  copying: 'Copying rows',
  reading: 'Reading from Kafka',
  waiting: 'Waiting for leases to end (ms)',
  comparing: 'Comparing the tables',
};

export interface RebuildProgress {
  readonly heard: (step: RebuildStep, done: number, total: number) => void;
  stop(): void;
}

/** A bar on stderr with the time left; nothing where stderr is no terminal. */
export function rebuildProgress(): RebuildProgress {
  if (!process.stderr.isTTY) return { heard: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: '{step} {bar} {percentage}% | {value} of {total} | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  let current: RebuildStep | undefined;
  return {
    heard: (step, done, total) => {
      if (step === current) {
        // What comes while it reads is to be read, too.
        bar.setTotal(Math.max(1, total));
        bar.update(done);
        return;
      }
      if (current !== undefined) bar.stop();
      bar.start(Math.max(1, total), done, { step: WORDS[step] });
      current = step;
    },
    stop: () => bar.stop(),
  };
}
