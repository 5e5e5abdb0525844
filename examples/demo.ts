/** `npm run demo`: the whole way from a service's `emit` to an auditor's query, with a fault in the middle. */
import { readOptions, USAGE, UsageError, type DemoOptions } from './demo/options.ts';
import { isSound } from './demo/figures.ts';
import { withParts } from './demo/parts.ts';
import { say } from './demo/progress.ts';
import { jsonLine, reportLines } from './demo/report.ts';
import { run } from './demo/run.ts';

/** The first Ctrl-C stops everything in order; the second ends at once, and the parts end with us. */
const interruption = new AbortController();
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    process.exitCode = 128 + number;
    if (interruption.signal.aborted) process.exit();
    interruption.abort(new Error('interrupted'));
    say('stopping …');
  });
}

async function demo({ actions, json }: DemoOptions): Promise<void> {
  const startedAt = performance.now();
  const found = await withParts(interruption.signal, async (parts) => {
    const result = await run(parts, actions);
    say('stopping everything');
    const code = await parts.panel.stop();
    if (code !== 0)
      throw new Error(`The control panel lost events at its end (exit code ${code}).`);
    return result;
  });
  const tookMs = Math.round(performance.now() - startedAt);
  const lines = json ? [jsonLine(found, tookMs)] : reportLines(found, tookMs, coloured());
  process.stdout.write(`${lines.join('\n')}\n`);
  if (!isSound(found.figures)) process.exitCode = 1;
}

const coloured = (): boolean => Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'];

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) process.stdout.write(USAGE);
  else await demo(options);
} catch (error) {
  process.exitCode ??= error instanceof UsageError ? 2 : 1;
  const { message, hint } = error as Error & { readonly hint?: string };
  say([message, hint].filter(Boolean).join(' '));
}
