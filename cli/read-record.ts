import type { Environment } from './environment.ts';
import { asideColours, finishFirst, say } from './terminal.ts';

/** What somebody is about to look at. */
export interface Look {
  /** In the query language, or SQL. */
  readonly query: string;
  readonly language: 'search' | 'sql';
  /** `undefined`: every tenant's. */
  readonly tenants?: readonly string[] | undefined;
}

/** The longest that an answer waits for its record once it is there. */
const PATIENCE_MS = 5_000;

/**
 * Looks into the ledger, on record: `ledger.read`, with the query. As LEDGERLINE_RECORD_READS says:
 * `required` records first, and shows nothing that could not be recorded; `attempt` records beside the
 * answer, and says where it could not; `off` leaves it.
 *
 * @throws LedgerlineError KAFKA_UNREACHABLE, …, where it is required; and whatever `use` throws
 */
export async function onRecord<T>(
  environment: Environment,
  look: Look,
  use: () => Promise<T>,
): Promise<T> {
  const { recordReads } = environment;
  if (recordReads === 'off') return use();
  if (recordReads === 'required') {
    await record(environment, look);
    return use();
  }
  const recorded = record(environment, look).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : 'it failed'),
  );
  finishFirst(recorded);
  try {
    return await use();
  } finally {
    const trouble = await Promise.race([recorded, patience()]);
    if (trouble !== undefined) {
      say(asideColours.dim(`this look is not on record: ${trouble}`));
    }
  }
}

async function record(environment: Environment, { query, language, tenants }: Look): Promise<void> {
  // Loaded here: what is not recorded needs no way to Kafka.
  const { OperatorRecord } = await import('./operator-record.ts');
  await using book = await OperatorRecord.open(environment);
  await book.add({
    type: 'ledger.read',
    data: { query: query.slice(0, MAX_QUERY), language, ...(tenants && { tenants }) },
  });
}

/** Longer statements are cut: an event is at most 256 KiB. */
const MAX_QUERY = 20_000;

const patience = (): Promise<string> =>
  new Promise((resolve) => {
    setTimeout(() => resolve('Kafka takes its time'), PATIENCE_MS).unref();
  });
