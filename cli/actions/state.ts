import { stateAt } from '../../clickhouse/history/state.ts';
import { EXIT } from '../exit-codes.ts';
import { stateLines } from '../history/state-lines.ts';
import { targetOf } from '../history/target.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print } from '../terminal.ts';

export interface StateOptions extends ReadingOptions {
  readonly at: string;
  readonly pager: boolean;
}

export async function runState(target: string, options: StateOptions): Promise<void> {
  const key = targetOf(target);
  await reading(`target:${target}`, options, async (clickhouse, ask) => {
    const state = await stateAt(clickhouse, key, options.at, ask);
    if (state.existence === 'unknown' || state.existence === 'absent') {
      process.exitCode = EXIT.faults;
    }
    if (options.json) {
      print(safeJson(state));
      return;
    }
    const lines = answerLines(options.pager);
    const look = { nowMs: Date.now(), timeZone: options.timeZone };
    for (const line of stateLines(state, look)) await lines.write(line);
    await lines.end();
  });
}
