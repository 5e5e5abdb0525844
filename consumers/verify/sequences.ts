/**
 * What the producers' own numbers say. Each process counts its events 1, 2, 3 … (`producer_seq`) and
 * reports what became of them (`ledger.counters.reported`, schemas/catalogs/ledger.ts): a number that
 * neither table holds was lost before Kafka, and the reports say why, or nobody does.
 */
import { type ClickHouse, ERASED_NUMBER } from '../../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';
import type { OffsetRange } from '../offset-ranges.ts';
import { account, type CountersReport, type Sequence } from './account.ts';
import type { ProducerGap, ProducersReport } from './report.ts';

export interface SequenceQuestion {
  /** Only what came later, in milliseconds since 1970; `undefined` for everything. */
  readonly sinceMs: number | undefined;
  /** Of a producer that began before this, some events may have expired. */
  readonly oldestMs: number;
  /** By the engine's clock. */
  readonly nowMs: number;
  /** Messages that Kafka holds and the workers have not come to. */
  readonly notConsumed: number;
  readonly timeoutMs: number;
}

/** Producers with absences whose reports are read; what is absent of others counts as unexplained. */
const MAX_EXAMINED = 10_000;
const IDS_PER_QUESTION = 200;
const SHOWN = 10;
const NIL = "toUUID('00000000-0000-0000-0000-000000000000')";

/** Numbers of both tables: a quarantined message that can be read tells its own, one that was erased in a header. */
const NUMBERED = `
  SELECT producer_id, toString(service) AS service, producer_seq AS seq, occurred_at AS at FROM ${LEDGER_TABLE}
  WHERE producer_seq > 0 AND producer_id != ${NIL} AND occurred_at >= fromUnixTimestamp64Milli({window:Int64}, 'UTC')
  UNION ALL
  SELECT toUUIDOrZero(number[1]) AS producer_id, service, toUInt64OrZero(number[2]) AS seq, toDateTime64(received, 6, 'UTC') AS at FROM (
    SELECT JSONExtractString(message, 'service') AS service, kafka_timestamp AS received,
      if(message = '', splitByChar('_', headers['${ERASED_NUMBER}']),
        [JSONExtractString(message, 'producer_id'), toString(JSONExtractUInt(message, 'producer_seq'))]) AS number
    FROM ${QUARANTINE_TABLE} WHERE kafka_timestamp >= fromUnixTimestamp64Milli({window:Int64}, 'UTC'))
  WHERE seq > 0 AND producer_id != ${NIL}`;

/**
 * Accounts for the numbers of every producer.
 *
 * A producer whose first event is older than half of the shortest retention is left out, and counted: some
 * of its events may have expired. With `sinceMs` the numbers from the first of that time on are accounted.
 */
export async function accountForSequences(
  clickhouse: ClickHouse,
  question: SequenceQuestion,
): Promise<ProducersReport> {
  const { sinceMs, nowMs, timeoutMs } = question;
  const params = { window: Math.floor(sinceMs ?? 0) };
  const oldest = sinceMs === undefined ? question.oldestMs : 0;
  const base = sinceMs === undefined ? '0' : 'min(seq) - 1';
  const perProducer = `
    SELECT producer_id, anyIf(service, service != '') AS service, ${base} AS base, max(seq) AS last,
      groupBitmap(seq) AS present, toInt64(last - base - present) AS absent, min(at) < fromUnixTimestamp64Milli({oldest:Int64}, 'UTC') AS too_old
    FROM (${NUMBERED}) GROUP BY producer_id`;
  const asked = { params: { ...params, oldest: Math.floor(oldest) }, timeoutMs };
  const [totals] = await clickhouse.query<
    Record<'producers' | 'expected' | 'present' | 'tooOld' | 'absent', string>
  >(
    `SELECT countIf(NOT too_old) AS producers, sumIf(last - base, NOT too_old) AS expected,
       sumIf(present, NOT too_old) AS present, sumIf(absent, NOT too_old) AS absent, countIf(too_old) AS tooOld
     FROM (${perProducer})`,
    asked,
  );
  const absent = Number(totals?.absent ?? 0);
  const sequences: Sequence[] = [];
  if (absent > 0) {
    const rows = await clickhouse.query<
      { producerId: string; service: string } & Record<'base' | 'last' | 'absent', string>
    >(
      `SELECT producer_id AS producerId, service, base, last, absent
       FROM (${perProducer}) WHERE absent > 0 AND NOT too_old ORDER BY absent DESC LIMIT ${MAX_EXAMINED}`,
      asked,
    );
    const reports = await reportsOf(
      clickhouse,
      rows.map(({ producerId }) => producerId),
      question,
    );
    for (const row of rows) {
      sequences.push({
        producerId: row.producerId,
        service: row.service,
        base: Number(row.base),
        last: Number(row.last),
        absent: Number(row.absent),
        report: reports.get(row.producerId),
      });
    }
  }
  const accounted = account(sequences, { nowMs, notConsumed: question.notConsumed });
  const examined = sequences.reduce((sum, sequence) => sum + sequence.absent, 0);
  const gaps: ProducerGap[] = [];
  for (const { sequence, unexplained } of accounted.suspects.slice(0, SHOWN)) {
    const { producerId, service } = sequence;
    const ranges = await absentNumbers(clickhouse, sequence, params.window, timeoutMs);
    gaps.push({ producerId, service, unexplained, absent: ranges });
  }
  return {
    producers: Number(totals?.producers ?? 0),
    expected: Number(totals?.expected ?? 0),
    present: Number(totals?.present ?? 0),
    lost: accounted.lost,
    pending: accounted.pending,
    undecided: accounted.undecided,
    unexplained: accounted.unexplained + absent - examined,
    tooOld: Number(totals?.tooOld ?? 0),
    gaps,
  };
}

/** The last report of each producer, and with `sinceMs` the last before that time. */
async function reportsOf(
  clickhouse: ClickHouse,
  ids: readonly string[],
  { sinceMs, timeoutMs }: SequenceQuestion,
): Promise<ReadonlyMap<string, CountersReport>> {
  const found = new Map<string, CountersReport>();
  for (let at = 0; at < ids.length; at += IDS_PER_QUESTION) {
    const rows = await clickhouse.query<{ id: string; at: string; latest: string; before: string }>(
      `SELECT producer_id AS id, toUnixTimestamp64Milli(max(occurred_at)) AS at, argMax(data, producer_seq) AS latest,
         argMaxIf(data, producer_seq, occurred_at < fromUnixTimestamp64Milli({since:Int64}, 'UTC')) AS before
       FROM ${LEDGER_TABLE} WHERE event_type = 'ledger.counters.reported' AND producer_id IN {ids:Array(UUID)}
       GROUP BY producer_id`,
      {
        params: {
          ids: ids.slice(at, at + IDS_PER_QUESTION),
          since: Math.floor(sinceMs ?? 0),
        },
        timeoutMs,
      },
    );
    for (const row of rows) {
      found.set(row.id, { atMs: Number(row.at), data: row.latest, before: row.before });
    }
  }
  return found;
}

async function absentNumbers(
  clickhouse: ClickHouse,
  { producerId, base, last }: Sequence,
  window: number,
  timeoutMs: number,
): Promise<OffsetRange[]> {
  const rows = await clickhouse.query<{ first: string; last: string }>(
    `SELECT seq + 1 AS first, following - 1 AS last FROM (
       SELECT seq, leadInFrame(seq, 1, {last:Int64}) OVER (ORDER BY seq ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS following
       FROM (SELECT DISTINCT toInt64(seq) AS seq FROM (
         SELECT seq FROM (${NUMBERED}) WHERE producer_id = {id:UUID} UNION ALL SELECT {base:Int64} AS seq)))
     WHERE following > seq + 1 ORDER BY first LIMIT ${SHOWN}`,
    { params: { window, id: producerId, base, last }, timeoutMs },
  );
  return rows.map((row) => ({ first: Number(row.first), last: Number(row.last) }));
}
