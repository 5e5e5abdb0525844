import type { Readable } from 'node:stream';
import { PRODUCER_COLUMNS } from '../../schemas/columns.ts';
import { decodeRow } from '../../schemas/decode-row.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type Asked, type AskOptions, callOptions } from './ask.ts';
import { instant, Parameters } from './compile.ts';
import type { Key, Order } from './keys.ts';
import { tenantSql } from './scope.ts';
import { sourceSql } from './source.ts';

/** An event is at most 256 KiB: a page of large ones ends here, and the next goes on behind it. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

export const EVENT_COLUMNS = PRODUCER_COLUMNS.map(({ name }) => name).join(', ');

/**
 * The events of these keys, whole, in their order: only the stretches of the table that hold them are
 * read. Fewer than asked for where they are very large.
 */
export async function readEvents(
  clickhouse: ClickHouse,
  asked: Asked,
  keys: readonly Key[],
  order: Order,
  options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
  startedMs: number,
): Promise<AuditEvent[]> {
  if (keys.length === 0) return [];
  const params = new Parameters();
  const tenants = [...new Set(keys.map((key) => key.tenant_id))];
  const micros = keys.map((key) => key.micros);
  const ids = params.bind(
    keys.map((key) => key.event_id),
    'Array(UUID)',
  );
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const earliest = instant(Math.min(...micros), params);
  const latest = instant(Math.max(...micros), params);
  const answer = await clickhouse.stream(
    `SELECT ${EVENT_COLUMNS}
FROM ${sourceSql(asked, params)}
${asked.held ? 'WHERE' : 'PREWHERE'} ${tenantSql(tenants, params)} AND occurred_at >= ${earliest} AND occurred_at <= ${latest}
  AND occurred_at IN (SELECT fromUnixTimestamp64Micro(arrayJoin(${params.bind(micros, 'Array(Int64)')}), 'UTC'))
  AND event_id IN ${ids}
ORDER BY occurred_at ${direction}, event_id ${direction}
LIMIT 1 BY occurred_at, event_id`,
    { ...callOptions(options, params, startedMs), format: 'JSONEachRow' },
  );
  return decodedRows(answer, MAX_PAGE_BYTES);
}

/** Rows until so many bytes have been read, then no more; always at least one. */
export async function decodedRows(answer: Readable, maxBytes: number): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  let held: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        held.push(chunk.subarray(from, at));
        events.push(decodeRow(Buffer.concat(held)));
        held = [];
        from = at + 1;
      }
      held.push(chunk.subarray(from));
      bytes += chunk.length;
      if (bytes > maxBytes && events.length > 0) break;
    }
  } finally {
    answer.destroy();
  }
  return events;
}
