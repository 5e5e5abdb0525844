import type { CallOptions, ClickHouse } from '../../clickhouse/index.ts';
import { quantile, rounded } from '../stack.ts';
import type { Question } from './questions.ts';
import type { Sample } from './samples.ts';

export interface Times {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly samples: number;
}

export function timesOf(ms: readonly number[]): Times {
  const rank = (share: number): number => rounded(quantile(ms, share), 1);
  return { p50Ms: rank(0.5), p95Ms: rank(0.95), samples: ms.length };
}

export async function timed(ask: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await ask();
  return performance.now() - began;
}

/** @throws Error with the question's name where the library answers anything but the truth */
export async function checkAnswer(
  clickhouse: ClickHouse,
  question: Question,
  sample: Sample,
): Promise<void> {
  const truth = await clickhouse.query<{ answer: string }>(question.truth, {
    params: { ...sample },
    timeoutMs: 300_000,
  });
  const answered = await question.ledger(clickhouse, sample);
  const expected = truth.map(({ answer }) => answer);
  if (JSON.stringify(answered) === JSON.stringify(expected)) return;
  throw new Error(
    `${question.name}: answered ${answered.length} (${answered.slice(0, 3).join(', ')}), the truth is ${expected.length} (${expected.slice(0, 3).join(', ')})`,
  );
}

/** Each sample once unmeasured, then `rounds` times. */
export async function warm(
  clickhouse: ClickHouse,
  question: Question,
  samples: readonly Sample[],
  rounds: number,
): Promise<Times> {
  for (const sample of samples) await question.ledger(clickhouse, sample);
  const ms: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const sample of samples) ms.push(await timed(() => question.ledger(clickhouse, sample)));
  }
  return timesOf(ms);
}

export interface Read {
  readonly statements: number;
  readonly rows: number;
  readonly bytes: number;
}

/** What the engine reads for one answer: its statements once more, with the engine's own account of each. */
export async function readBy(
  clickhouse: ClickHouse,
  question: Question,
  sample: Sample,
): Promise<Read> {
  const sent: { readonly sql: string; readonly options: CallOptions }[] = [];
  const listening: ClickHouse = {
    ...clickhouse,
    query(sql, options = {}) {
      sent.push({ sql, options });
      return clickhouse.query(sql, options);
    },
    stream(sql, options) {
      sent.push({ sql, options });
      return clickhouse.stream(sql, options);
    },
  };
  await question.ledger(listening, sample);
  let rows = 0;
  let bytes = 0;
  for (const { sql, options } of sent) {
    const { params = {} } = options;
    const answer = await clickhouse.stream(sql, { params, format: 'JSON' });
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    const { statistics } = JSON.parse(Buffer.concat(chunks).toString()) as {
      readonly statistics?: { readonly rows_read: number; readonly bytes_read: number };
    };
    rows += statistics?.rows_read ?? 0;
    bytes += statistics?.bytes_read ?? 0;
  }
  return { statements: sent.length, rows, bytes };
}
