import { Command } from 'commander';
import type { UndoCommandOptions } from '../actions/undo.ts';
import { withReadingOptions } from '../search/options.ts';

export const undoCommand = (): Command =>
  withReadingOptions(
    new Command('undo')
      .summary('show what would undo an event, or bring a target back to a time')
      .description(
        `Shows the changes that would undo one event, or bring a target back to what it was at a time. Changes nothing:
apply the patch where the record lives, and emit the event. Refuses where later events changed the same, and
names them, and where the values are not known.`,
      )
      .argument('<event>', 'an event’s id, or a target’s type and id with --to')
      .option('--to <time>', 'what the target was then, written as for until:')
      .option('--patch', 'the changes as JSON Patch (RFC 6902), each value tested first')
      .option('--event', 'the event that says so, as a line for `ledgerline emit`')
      .option('--type <type>', 'the type of that event (default: as such changes were told before)')
      .option('--reason <text>', 'its reason (default: what is undone)')
      .option('--actor <type/id>', 'who undoes it (default: user/ and your user name)')
      .option('--json', 'everything, on one line'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline undo 0198c0de-0000-7000-8000-0000000000aa
  $ ledgerline undo contact/c_1 --to yesterday --patch > back.json
  $ ledgerline undo contact/c_1 --to yesterday --event --reason "ticket 17" | ledgerline emit`,
    )
    .action(async (text: string, options: UndoCommandOptions) => {
      const { runUndo } = await import('../actions/undo.ts');
      await runUndo(text, options);
    });
