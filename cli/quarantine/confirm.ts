import { createInterface } from 'node:readline/promises';
import { UsageError } from '../failure.ts';

/**
 * Asks the person at the terminal; where there is none, --yes has to say it.
 *
 * @throws UsageError where nobody can be asked
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`${question} Nobody is there to say yes.`, 'Add --yes, or try --dry-run.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
