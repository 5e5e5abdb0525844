import { Presets, SingleBar } from 'cli-progress';
import { count, size } from '../terminal.ts';

/** A bar on stderr by rows, or by bytes where only they are known; nothing where stderr is no terminal. */
export interface ExportProgress {
  start(totalRows: number): void;
  bytes(bytes: number, rows: number | undefined): void;
  stop(): void;
}

export function exportProgress(): ExportProgress {
  if (!process.stderr.isTTY) {
    return { start: () => undefined, bytes: () => undefined, stop: () => undefined };
  }
  const bar = new SingleBar(
    {
      format: 'Exporting {bar} {rows} of {all} events | {bytes} | {duration_formatted}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let total = 0;
  return {
    start: (totalRows) => {
      total = totalRows;
      bar.start(Math.max(1, totalRows), 0, { rows: '0', all: count(totalRows), bytes: size(0) });
    },
    bytes: (bytes, rows) => {
      const done = rows ?? 0;
      const shown = rows === undefined ? '…' : count(rows);
      bar.update(Math.min(done, total), { rows: shown, bytes: size(bytes) });
    },
    stop: () => bar.stop(),
  };
}
