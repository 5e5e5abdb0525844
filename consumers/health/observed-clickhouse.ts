/** The same ClickHouse, with each insert told: into which table, how long it took, how it ended. */
import { ClickHouseError } from '../../clickhouse/errors.ts';
import type { ClickHouse } from '../../clickhouse/index.ts';

export interface InsertObserved {
  readonly table: string;
  readonly seconds: number;
  /** `stored`; `refused`: ClickHouse said no; `unclear`: no answer, so it may have been stored. */
  readonly outcome: 'stored' | 'refused' | 'unclear';
  /** Zero unless stored. */
  readonly rows: number;
}

export function observedClickHouse(
  clickhouse: ClickHouse,
  observe: (insert: InsertObserved) => void,
): ClickHouse {
  return {
    ...clickhouse,
    async insert(insert) {
      const { table } = insert;
      const began = performance.now();
      const seconds = (): number => (performance.now() - began) / 1000;
      try {
        const answer = await clickhouse.insert(insert);
        observe({ table, seconds: seconds(), outcome: 'stored', rows: answer.writtenRows });
        return answer;
      } catch (error) {
        const outcome = error instanceof ClickHouseError ? 'refused' : 'unclear';
        observe({ table, seconds: seconds(), outcome, rows: 0 });
        throw error;
      }
    },
  };
}
