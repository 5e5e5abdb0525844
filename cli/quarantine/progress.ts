import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  add(messages: number): void;
  stop(): void;
}

/** A bar on stderr, by messages; nothing where stderr is no terminal. */
export function messageProgress(verb: string, total: number): Progress {
  if (!process.stderr.isTTY) return { add: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: `${verb} {bar} {percentage}% | {value} of {total} | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { add: (messages) => bar.increment(messages), stop: () => bar.stop() };
}
