/**
 * Compares contents: what Kafka still holds with what is stored of it, a chunk of one partition at a time, so
 * that memory stays the same however much there is.
 */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { Backlog, type Batch } from '../backlog.ts';
import { ChunkPool } from '../chunk-pool.ts';
import { LEDGER_TABLE, LedgerSink } from '../ledger-sink.ts';
import type { Origin } from '../splice.ts';
import { isErased, quarantineAlteration, quarantinedIn } from './quarantined-contents.ts';
import type { Alteration, PartitionContents } from './report.ts';
import type { ScratchTable } from './scratch-table.ts';
import type { TopicLog } from './topic-log.ts';

const CHUNK = { maxRows: 20_000, maxBytes: 24 * 1024 * 1024 } as const;
const POOL_BYTES = 32 * 1024 * 1024;
/** Larger than any message that the workers' own bound lets through: what is stored is compared. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
const SHOWN = 10;

export interface ContentsQuestion {
  readonly origin: Origin;
  readonly from: number;
  readonly to: number;
  readonly timeoutMs: number;
  readonly onRead: (offsets: number) => void;
}

export async function compareContents(
  clickhouse: ClickHouse,
  log: TopicLog,
  scratch: ScratchTable,
  question: ContentsQuestion,
): Promise<PartitionContents> {
  const { origin, from, to, onRead } = question;
  const sink = new LedgerSink(clickhouse);
  const backlog = new Backlog(new ChunkPool(POOL_BYTES), from, MAX_MESSAGE_BYTES);
  let compared = 0;
  let altered = 0;
  let erased = 0;
  const alterations: Alteration[] = [];
  const report = (alteration: Alteration): void => {
    altered++;
    if (alterations.length < SHOWN) alterations.push(alteration);
  };

  const compare = async (chunk: Batch): Promise<void> => {
    const { first, last } = chunk;
    const [stored, kept] = await Promise.all([
      sink.stored(origin, first, last),
      quarantinedIn(clickhouse, origin, first, last, question.timeoutMs),
    ]);
    const rows = chunk.rows.filter(({ offset }) => stored.has(offset));
    if (rows.length > 0) {
      for (const found of await scratch.compare(rows, origin, question.timeoutMs)) {
        if (found.erased) erased++;
        else report({ offset: found.offset, table: LEDGER_TABLE, columns: found.columns });
      }
    }
    const byOffset = new Map(kept.map((message) => [message.offset, message]));
    let quarantined = 0;
    for (const row of chunk.rows) {
      const message = byOffset.get(row.offset);
      if (!message) continue;
      quarantined++;
      const alteration = quarantineAlteration(row, message);
      if (!alteration) continue;
      if (isErased(row, message)) erased++;
      else report(alteration);
    }
    compared += rows.length + quarantined;
  };

  let read = from;
  for await (const piece of log.read(origin.partition, from, to)) {
    backlog.append(piece.messages, piece.next - 1, 0);
    onRead(piece.next - read);
    read = piece.next;
    while (backlog.isFull(CHUNK) || (read >= to && backlog.rows > 0)) {
      const chunk = backlog.cut(CHUNK);
      if (!chunk) break;
      await compare(chunk);
      backlog.release(chunk);
    }
  }
  backlog.clear();
  return { compared, altered, erased, alterations };
}
