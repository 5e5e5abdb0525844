import { createInterface } from 'node:readline/promises';
import { UsageError } from './failure.ts';

/**
 * Asks on the terminal; anything but yes is no.
 *
 * @throws UsageError where nobody can be asked
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(
      'This needs a yes, and nobody can be asked here.',
      'Add --yes; where there is --dry-run, look with it first.',
    );
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
