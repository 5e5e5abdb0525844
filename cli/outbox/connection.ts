import { openSession, type Session } from '../../outbox/index.ts';
import type { Environment } from '../environment.ts';
import { UsageError } from '../failure.ts';

/** @throws UsageError where LEDGERLINE_OUTBOX_URL is not set */
export function outboxUrl({ outbox }: Environment): string {
  if (outbox.url !== undefined) return outbox.url;
  throw new UsageError(
    'LEDGERLINE_OUTBOX_URL is not set.',
    'Set it to postgres://user:password@host:5432/database.',
  );
}

/** Does something with the outbox's database and closes the connection, however it ends. */
export async function withOutbox<T>(
  environment: Environment,
  use: (session: Session, schema: string) => Promise<T>,
): Promise<T> {
  const session = await openSession(outboxUrl(environment));
  try {
    return await use(session, environment.outbox.schema);
  } finally {
    await session.close();
  }
}
