import { maskCommand } from '../redaction/mask-command.ts';
import type { Receipt } from '../receipt.ts';
import type { AnyInput } from '../stamp.ts';
import type { Voice } from '../voice.ts';
import { BoundedOutput } from './bounded-output.ts';
import { checkCommand, type CommandOptions } from './command-options.ts';
import { describedAs, type Described } from './described.ts';
import { OutputLines, secretParts } from './output-lines.ts';
import { runCommand, type CommandResult } from './run-command.ts';

/** What became of a command, and of its event. */
export interface Executed extends CommandResult {
  readonly receipt: Receipt;
}

/** Runs a command and records it. {@link Ledger.execute} says how. */
export async function executed(
  ledger: Voice,
  type: string,
  describe: Described<AnyInput, CommandResult>,
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<Executed> {
  const checked = checkCommand(command, args, options);
  const secrets = secretParts(checked.secrets);
  const output = new BoundedOutput(checked.outputHead, checked.outputTail);
  const lines = {
    stdout: new OutputLines(secrets, (line) => output.add('stdout', line)),
    stderr: new OutputLines(secrets, (line) => output.add('stderr', line)),
  };
  const result = await runCommand(checked, (stream, chunk) => lines[stream].write(chunk));
  lines.stdout.end();
  lines.stderr.end();
  const masked = maskCommand(command, args, { secrets });
  const execution = {
    command: commandLine([masked.command, ...masked.args]),
    cwd: checked.cwd,
    exit_code: result.exitCode,
    signal: result.signal,
    duration_ms: Math.round(result.durationMs),
    output: output.text(),
    output_omitted: output.omitted === 0 ? undefined : output.omitted,
  };
  const error = errorOf(result, masked.command);
  const outcome = error === undefined ? 'success' : 'failure';
  const input = describedAs(describe, result, { outcome, error, execution });
  return { ...result, receipt: ledger.emit(type, input) };
}

function errorOf(result: CommandResult, command: string): AnyInput['error'] {
  const { status, exitCode, signal, error, ok, durationMs } = result;
  if (ok) return undefined;
  switch (status) {
    case 'exited':
      return { code: `EXIT_${exitCode}`, message: `${command} exited with code ${exitCode}.` };
    case 'killed':
      return { code: `SIGNAL_${signal}`, message: `${command} was ended by ${signal}.` };
    case 'timed_out':
      return {
        code: 'TIMED_OUT',
        message: `${command} was stopped after ${Math.round(durationMs)} ms.`,
      };
    case 'aborted':
      return { code: 'ABORTED', message: `${command} was stopped on request.` };
    case 'not_started': {
      const code = error?.code ?? 'UNKNOWN';
      return { code: `SPAWN_${code}`, message: `${command} could not be started: ${code}.` };
    }
  }
}

const PLAIN = /^[\w@%+=:,./[\]-]+$/u;

/** As a shell would have it, so that it can be read back: arguments with spaces in quotes. */
const commandLine = (words: readonly string[]): string =>
  words
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
