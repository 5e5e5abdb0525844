import { Presets, SingleBar } from 'cli-progress';
import type { SweepProgress } from '../../clickhouse/index.ts';
import { count } from '../terminal.ts';

/** A bar on stderr, by rows removed; nothing where stderr is no terminal. */
export function sweepProgress(): { step(done: SweepProgress): void; stop(): void } {
  if (!process.stderr.isTTY) return { step: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: 'Removing {bar} {percentage}% | {rows} rows | {place} | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let started = false;
  return {
    step: ({ doneRows, totalRows, retentionClass, month }) => {
      const payload = { rows: count(doneRows), place: `${retentionClass} ${month.slice(0, 7)}` };
      if (!started) bar.start(totalRows, 0, payload);
      started = true;
      bar.update(doneRows, payload);
    },
    stop: () => bar.stop(),
  };
}
