/**
 * The worker without what makes delivery exactly once, to be measured against the worker with it. The
 * way of the bytes is the same: fetch, message check, splice, insert, commit after each batch. Missing
 * are the intents and their hashes, the tokens, the look at what is stored, and the lease.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { openClickHouse } from '../../clickhouse/index.ts';
import { GroupMember } from '../../consumers/group-member.ts';
import { startWorker, workerConfig } from '../../consumers/index.ts';
import { ledgerSelect, SELECT_SETTINGS } from '../../consumers/ledger-select.ts';
import { INSERT_SETTINGS, LEDGER_TABLE, LedgerSink } from '../../consumers/ledger-sink.ts';
import { insertBody } from '../../consumers/splice.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';

const FOR_EVER = 4_294_967_295;

const config = workerConfig(process.env);
const clickhouse = openClickHouse(config.clickhouse);

// No hash of a batch: what it would be compared with does not exist.
const nothing = { update: () => nothing, digest: () => '' };
crypto.createHash = (() => nothing) as unknown as typeof crypto.createHash;
syncBuiltinESMExports();

/** Offsets go forward without a word about what comes next; what only declares is not sent. */
const commit = Reflect.get(GroupMember.prototype, 'commit');
const committed = new Map<number, number>();
GroupMember.prototype.commit = function (session, partition, offset, metadata, check) {
  const isNews = offset > (committed.get(partition) ?? offset);
  committed.set(partition, offset);
  void metadata;
  if (!isNews) return Promise.resolve('committed');
  return commit.call(this, session, partition, offset, '', check);
};

LedgerSink.prototype.highWater = () => Promise.resolve(-1);

LedgerSink.prototype.insert = async function (rows, mended, { origin, timeoutMs }) {
  const { writtenRows } = await clickhouse.insert({
    table: LEDGER_TABLE,
    columns: INSERT_COLUMNS,
    format: 'JSONEachRow',
    body: Readable.from(insertBody(rows, mended), {
      objectMode: false,
      highWaterMark: 512 * 1024,
    }),
    through: { select: ledgerSelect(origin, FOR_EVER, rows.length), rows: rows.length },
    settings: { ...INSERT_SETTINGS, ...SELECT_SETTINGS, insert_deduplicate: 0 },
    timeoutMs,
  });
  return writtenRows;
};

const worker = await startWorker(config, pino());
process.once('SIGTERM', () => void worker.stop());
await worker.done;
await clickhouse.close();
