import { LedgerlineError } from './errors.ts';

/** One thing wrong with the configuration: the option's name and the rule, never its value. */
export interface ConfigurationFault {
  /** e.g. `LEDGERLINE_KAFKA_TLS` */
  readonly name: string;
  /** e.g. `must be true or false` */
  readonly problem: string;
}

/** `CONFIG_INVALID` with its faults one by one, so that a reader of files can say where each stands. */
export class ConfigurationError extends LedgerlineError {
  override readonly name = 'ConfigurationError';
  readonly faults: readonly ConfigurationFault[];

  /** @param message instead of a list with a line for each fault */
  constructor(faults: readonly ConfigurationFault[], message = listOf(faults)) {
    super('CONFIG_INVALID', message, { hint: 'Every option with its default is in .env.example.' });
    this.faults = faults;
  }

  /** In one line, for programs whose logs have lines. */
  static inOneLine(faults: readonly ConfigurationFault[]): ConfigurationError {
    const told = faults.map(({ name, problem }) => `${name} ${problem}`);
    return new ConfigurationError(faults, `The environment: ${told.join('; ')}.`);
  }
}

function listOf(faults: readonly ConfigurationFault[]): string {
  const lines = faults.map(({ name, problem }) => `\n  ${name}: ${problem}`);
  return `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in the configuration:${lines.join('')}`;
}
