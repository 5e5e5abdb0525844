import { Presets, SingleBar } from 'cli-progress';
import { count } from '../terminal.ts';

export interface Progress {
  add(bytes: number): void;
  /** Takes the bar away while a line is printed, so that neither spoils the other. */
  around(print: () => void): void;
  records(total: number): void;
  stop(): void;
}

const SILENT: Progress = {
  add: () => undefined,
  around: (print) => print(),
  records: () => undefined,
  stop: () => undefined,
};

/** A bar on stderr, by bytes read; nothing where stderr is no terminal. */
export function progressBar(totalBytes: number): Progress {
  if (!process.stderr.isTTY) return SILENT;
  const bar = new SingleBar(
    {
      format: 'Importing {bar} {percentage}% | {records} records | {duration_formatted}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(totalBytes, 0, { records: '0' });
  return {
    add: (bytes) => bar.increment(bytes),
    around: (print) => {
      process.stderr.write('\r\u001b[K');
      print();
      bar.render();
    },
    records: (total) => bar.update({ records: count(total) }),
    stop: () => bar.stop(),
  };
}
