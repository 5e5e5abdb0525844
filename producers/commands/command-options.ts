import type { Writable } from 'node:stream';
import { z } from 'zod';
import { LedgerlineError } from '../../schemas/index.ts';

/** What holds where an option says nothing. */
export const COMMAND_DEFAULTS = {
  timeoutMs: 600_000,
  killAfterMs: 5_000,
  outputHead: 16_384,
  outputTail: 16_384,
  maxResultBytes: 1_048_576,
} as const;

export interface CommandOptions {
  readonly cwd?: string | undefined;
  /** The whole environment; this process's own when absent. It is not recorded. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What the command reads; nothing. It is not recorded. */
  readonly stdin?: string | Uint8Array | undefined;
  /** Where its output goes as it comes, besides the result: `process.stdout`. Left open. */
  readonly stdout?: Writable | undefined;
  readonly stderr?: Writable | undefined;
  /** How long it may run; 600,000. `Infinity`: as long as it likes. */
  readonly timeoutMs?: number | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** How long after SIGTERM it gets SIGKILL; 5,000. */
  readonly killAfterMs?: number | undefined;
  /** Values that are masked in the record wherever they stand: of four characters or more. */
  readonly secrets?: readonly string[] | undefined;
  /** How much of its output is recorded from its beginning, in characters; 16,384. */
  readonly outputHead?: number | undefined;
  /** … and from its end; 16,384. */
  readonly outputTail?: number | undefined;
  /** How much of each stream the result has, in bytes; 1 MiB. */
  readonly maxResultBytes?: number | undefined;
}

const timeout = z.union([z.number().min(1).max(2_147_483_647), z.literal(Infinity)]);
const size = z.int().min(0).max(100_000);
const stream = z.custom<Writable>(
  (value) => typeof (value as Writable | undefined)?.write === 'function',
  'must be a stream',
);

const schema = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()),
  cwd: z.string().min(1).optional(),
  env: z.custom<NodeJS.ProcessEnv>((value) => typeof value === 'object').optional(),
  stdin: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
  stdout: stream.optional(),
  stderr: stream.optional(),
  timeoutMs: timeout.default(COMMAND_DEFAULTS.timeoutMs),
  signal: z.instanceof(AbortSignal).optional(),
  killAfterMs: z.int().min(1).max(600_000).default(COMMAND_DEFAULTS.killAfterMs),
  secrets: z.array(z.string()).default([]),
  outputHead: size.default(COMMAND_DEFAULTS.outputHead),
  outputTail: size.default(COMMAND_DEFAULTS.outputTail),
  maxResultBytes: z.int().min(0).default(COMMAND_DEFAULTS.maxResultBytes),
});

export type CheckedCommand = z.output<typeof schema>;

/** Throws `CONFIG_INVALID`, which lists every fault by option and rule; no values. */
export function checkCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): CheckedCommand {
  const result = schema.safeParse({ ...options, command, args });
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'options'}: ${message}`,
  );
  throw new LedgerlineError('CONFIG_INVALID', `execute: ${faults.join('; ')}.`, {
    hint: 'Correct these options; docs/context.md lists them all.',
  });
}
