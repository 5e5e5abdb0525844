import { undo, type Undone, type UndoOptions } from '../../clickhouse/history/undo.ts';
import { UsageError } from '../failure.ts';
import { gapLines } from '../history/state-lines.ts';
import { targetOf } from '../history/target.ts';
import { operatorName } from '../operator-name.ts';
import { diffLines } from '../search/diff.ts';
import { partyText } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { asideColours, print, say } from '../terminal.ts';

export interface UndoCommandOptions extends ReadingOptions {
  readonly to?: string;
  readonly type?: string;
  readonly reason?: string;
  readonly actor?: string;
  readonly patch?: true;
  readonly event?: true;
}

export async function runUndo(text: string, options: UndoCommandOptions): Promise<void> {
  const what = undoneOf(text, options.to);
  const actor =
    options.actor === undefined ? { type: 'user', id: operatorName() } : targetOf(options.actor);
  const query = 'event' in what ? `id:${text}` : `target:${text}`;
  await reading(query, options, async (clickhouse, ask) => {
    const { type, reason, json, patch, event } = options;
    const found = await undo(clickhouse, what, {
      ...ask,
      actor,
      ...(type === undefined ? {} : { type }),
      ...(reason === undefined ? {} : { reason }),
    } satisfies UndoOptions);
    const look = { nowMs: Date.now(), timeZone: options.timeZone };
    if (json) print(safeJson(found));
    else if (patch) print(safeJson(found.patch));
    else if (event) {
      if (found.event !== undefined) print(safeJson(found.event));
    } else if (found.changes.length > 0) {
      print(`${partyText(found.target)} goes back by`);
      for (const line of diffLines(found.changes)) print(line);
    }
    if (json) return;
    if (found.changes.length === 0) say(asideColours.dim('nothing to do: it is as it was'));
    for (const line of gapLines(found.gaps, found.gapCount, look)) say(line);
  });
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws UsageError */
function undoneOf(text: string, to: string | undefined): Undone {
  if (UUID.test(text)) {
    if (to === undefined) return { event: text };
    throw new UsageError('An event is undone as a whole.', 'Leave --to out, or name the target.');
  }
  if (to !== undefined) return { target: targetOf(text), to };
  throw new UsageError(
    'That is no event’s id.',
    'Give a whole UUID, or a target with --to: app/app-7 --to yesterday.',
  );
}
