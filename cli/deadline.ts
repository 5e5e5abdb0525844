import { LedgerlineError } from '../schemas/errors.ts';

/** First contact with Kafka or ClickHouse: a person waits, and hears within 10 s what is wrong. */
export const CONTACT_DEADLINE_MS = 5_000;

/** The promise's own end, or an error at the deadline; `late` then deals with what still comes. */
export async function withDeadline<T>(
  promise: Promise<T>,
  timeoutMs: number,
  error: () => LedgerlineError,
  late: (value: T) => void = () => undefined,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      over = true;
      reject(error());
    }, timeoutMs);
  });
  promise.then(
    (value) => {
      if (over) late(value);
    },
    () => undefined,
  );
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
