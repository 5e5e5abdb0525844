/**
 * A real worker with one part of the protocol taken out, for the negative controls: a test whose oracle
 * does not object to this one proves nothing. Runs from dist/, SABOTAGE naming the part.
 */
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import type { Session } from '../../consumers/fence.ts';
import { startWorker, workerConfig } from '../../consumers/index.ts';
import { GroupMember } from '../../consumers/group-member.ts';
import { LedgerSink } from '../../consumers/ledger-sink.ts';

const commit = Reflect.get(GroupMember.prototype, 'commit');
const insert = Reflect.get(LedgerSink.prototype, 'insert');
const settled = Reflect.get(LedgerSink.prototype, 'settled');
/** `partition/first-last` of what this process has inserted. */
const inserted = new Set<string>();
let newest: Session | undefined;

const sabotages: Record<string, () => void> = {
  /** No intent: a new owner cuts its own batches, though it looks first. */
  'no-intent': () => {
    GroupMember.prototype.commit = function (session, partition, offset, _metadata, check) {
      return commit.call(this, session, partition, offset, '', check);
    };
  },
  /** Neither token nor look: a new owner stores the batch again. */
  'no-token-no-look': () => {
    LedgerSink.prototype.highWater = () => Promise.resolve(-1);
    LedgerSink.prototype.settled = function (origin, first, last) {
      // Looks only at what it has inserted itself: otherwise it would never be done with a batch.
      const own = inserted.has(`${origin.partition}/${first}-${last}`);
      return own ? settled.call(this, origin, first, last) : Promise.resolve(new Set<number>());
    };
    LedgerSink.prototype.insert = function (rows, mended, request) {
      inserted.add(request.token.split('/').slice(2, 4).join('/'));
      return insert.call(this, rows, mended, { ...request, token: `${Math.random()}` });
    };
  },
  /** Gives two rows of a batch each other's offsets. */
  'exchanges-rows': () => {
    LedgerSink.prototype.insert = function (rows, mended, request) {
      const [first, second, ...rest] = rows;
      if (!first || !second) return insert.call(this, rows, mended, request);
      const exchanged = [
        { ...first, offset: second.offset },
        { ...second, offset: first.offset },
        ...rest,
      ];
      return insert.call(this, exchanged, mended, request);
    };
  },
  /** Commits past a batch before it is stored. */
  'commit-first': () => {
    GroupMember.prototype.commit = function (session, partition, offset, metadata, check) {
      const { end } = JSON.parse(metadata) as { end?: number };
      return commit.call(this, session, partition, end === undefined ? offset : end + 1, '', check);
    };
  },
  /** No lease: a worker that slept can write again. */
  'no-lease': () => {
    LedgerSink.prototype.insert = function (rows, mended, request) {
      return insert.call(this, rows, mended, { ...request, leaseSeconds: 4_294_967_295 });
    };
  },
  /** Commits in whatever generation the member is in by then, as kafkajs's own commit does. */
  unfenced: () => {
    GroupMember.prototype.commit = async function (session, partition, offset, metadata, check) {
      newest ??= session;
      if (session.generationId > newest.generationId) newest = session;
      const isIntent = metadata.includes('"end"');
      if (isIntent) return commit.call(this, session, partition, offset, metadata, check);
      // Held up until the member has joined again, and has made its first commit there.
      while (newest.generationId === session.generationId) await setTimeout(50);
      await setTimeout(1_000);
      const result = await commit.call(this, newest, partition, offset, metadata, () => undefined);
      console.log('stale commit answered');
      return result;
    };
  },
  /** Takes an error of the engine for a success. */
  'trusts-errors': () => {
    LedgerSink.prototype.insert = async function (rows, mended, request) {
      try {
        return await insert.call(this, rows, mended, request);
      } catch {
        return rows.length;
      }
    };
  },
};

const { SABOTAGE, ...env } = process.env;
const sabotage = sabotages[SABOTAGE ?? ''];
if (!sabotage) throw new Error(`SABOTAGE must be one of ${Object.keys(sabotages).join(', ')}`);
sabotage();
const worker = await startWorker(workerConfig(env), pino());
await worker.done;
