/** What the SDK needs of a logger; pino's, Fastify's and bunyan's fit as they are. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
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
