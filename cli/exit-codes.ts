/** What a run says to the shell. docs/cli.md has the same table. */
export const EXIT = {
  /** Done, nothing to complain about. */
  fine: 0,
  /** The job found faults (bad lines, a doubled event, a refused query) or could not be done. */
  faults: 1,
  /** It was asked for wrongly: an unknown option, a malformed value. Nothing was started. */
  usage: 2,
  /** Ctrl-C: what had been accepted was finished first. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
