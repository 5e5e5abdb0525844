/** What the SDK needs of a logger; pino's, Fastify's and bunyan's fit as they are. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A service's logger that can do no harm: what it throws is ignored, since some lines are written
 * from timers, where an exception ends the process.
 */
export function harmless(logger: Logger): Logger {
  const trying = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      logger[level](fields, message);
    } catch {
      // Whoever listens badly hears nothing; the counters have what matters.
    }
  };
  return { info: trying('info'), warn: trying('warn'), error: trying('error') };
}

const line = (level: string, fields: object, message: string): void => {
  const { error, ...rest } = fields as { error?: unknown };
  const cause = error instanceof Error ? `: ${error.message}` : '';
  const details = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  process.stderr.write(`ledgerline ${level}: ${message}${cause}${details}\n`);
};

/** Lines on stderr: what is lost must be seen, also by those who gave no logger. */
export const stderrLogger: Logger = {
  info: (fields, message) => line('info', fields, message),
  warn: (fields, message) => line('warn', fields, message),
  error: (fields, message) => line('error', fields, message),
};
