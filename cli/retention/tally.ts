import type { SweepProgress } from '../../clickhouse/index.ts';
import { failureCode } from '../failure.ts';
import type { OperatorAct } from '../operator-record.ts';

/** What a sweep has removed so far: it is gone for good, however the sweep ends. */
export class SweepTally {
  readonly #startedMs = performance.now();
  readonly #removed = new Map<string, number>();
  #droppedParts = 0;

  step({ retentionClass, month, rows, wholePart }: SweepProgress): void {
    if (wholePart) this.#droppedParts += 1;
    if (rows === 0) return;
    const place = `${retentionClass}/${month.slice(0, 7)}`;
    this.#removed.set(place, (this.#removed.get(place) ?? 0) + rows);
  }

  get removedRows(): number {
    return [...this.#removed.values()].reduce((sum, rows) => sum + rows, 0);
  }

  /** @param failure what ended it before its end */
  act(interrupted: boolean, failure?: unknown): OperatorAct {
    return {
      type: 'ledger.retention.swept',
      data: {
        removedRows: this.removedRows,
        droppedParts: this.#droppedParts,
        durationMs: Math.round(performance.now() - this.#startedMs),
        interrupted,
        removed: Object.fromEntries(this.#removed),
      },
      ...(failure !== undefined && { error: { code: failureCode(failure) } }),
    };
  }
}
