/**
 * A worker of another version, which writes the same row in other words: its keys stand in another order
 * and its numbers in another form. What it inserts must be the same events, and the intents that its
 * predecessors left must be its own.
 */
import { pino } from 'pino';
import { valueOf } from '../../consumers/backlog.ts';
import { startWorker, workerConfig } from '../../consumers/index.ts';
import { LedgerSink } from '../../consumers/ledger-sink.ts';

const insert = Reflect.get(LedgerSink.prototype, 'insert');

LedgerSink.prototype.insert = function (rows, mended, request) {
  const others = new Map(
    rows.map((row) => {
      const value = mended.get(row.offset) ?? valueOf(row);
      const fields = Object.entries(JSON.parse(value.toString()) as Record<string, unknown>);
      return [row.offset, Buffer.from(JSON.stringify(Object.fromEntries(fields.reverse())))];
    }),
  );
  return insert.call(this, rows, others, request);
};

const worker = await startWorker(workerConfig(process.env), pino());
await worker.done;
