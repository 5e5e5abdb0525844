/**
 * R-DLV-01, R-DLV-03: ClickHouse is away, silent, full or overloaded while two workers carry four
 * partitions under load. Whatever it is, they wait, nothing is quarantined, and afterwards every offset
 * is stored once. The faults are real ones of the real engine wherever one process on one machine can
 * have them; the others are what a proxy or balancer in front of it does.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EngineScene, engineScene } from '../support/engine-stage.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { messages } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();
const WAITING = 'waiting for an outage to end';

interface Outage {
  readonly name: string;
  readonly begin: (on: EngineScene) => Promise<void> | void;
  readonly end: (on: EngineScene) => Promise<void> | void;
}

const passing = ({ proxy }: EngineScene): void => void proxy.treat(() => 'pass');
const table = (setting: string) => (on: EngineScene) =>
  on.command(`ALTER TABLE audit_events ${setting}`);

const outages: readonly Outage[] = [
  {
    name: 'killed, and nothing listens there',
    begin: async ({ engine }) => {
      engine.kill('SIGKILL');
      await engine.exited;
    },
    end: (on) => on.restart('SIGKILL'),
  },
  {
    // The kernel goes on accepting connections for it.
    name: 'hung: it accepts, and never answers (SIGSTOP)',
    begin: ({ engine }) => void engine.kill('SIGSTOP'),
    end: ({ engine }) => void engine.kill('SIGCONT'),
  },
  {
    // An engine that is alive does not swallow requests; a network that drops packets does.
    name: 'silent: requests vanish on the way',
    begin: ({ proxy }) => void proxy.treat(() => 'swallow'),
    end: passing,
  },
  {
    // The words of a balancer with nobody behind it, never of ClickHouse.
    name: 'answering 502, 503, 504, 429 and 404 in turn',
    begin: ({ proxy }) => {
      const statuses = [502, 503, 504, 429, 404];
      proxy.treat(({ number }) => ({ status: statuses[number % 5] ?? 500 }));
    },
    end: passing,
  },
  {
    name: 'storing, and the reply is lost on the way back',
    begin: ({ proxy }) => void proxy.treat(({ isInsert }) => (isInsert ? 'lose-reply' : 'pass')),
    end: passing,
  },
  {
    name: 'storing, and answering too late',
    begin: ({ proxy }) => void proxy.treat(({ isInsert }) => (isInsert ? 'keep-reply' : 'pass')),
    end: passing,
  },
  {
    // The engine's own limit: 241, often at a row.
    name: 'out of memory',
    begin: ({ proxy }) => {
      const settings = { max_memory_usage: '300000' };
      proxy.treat(({ isInsert }) => (isInsert ? { settings } : 'pass'));
    },
    end: passing,
  },
  {
    // The engine's own answer, 252, from a table whose merges cannot keep up.
    name: 'refusing inserts because of too many parts',
    begin: async (on) => {
      await on.command('SYSTEM STOP MERGES audit_events');
      await table('MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1')(on);
    },
    end: async (on) => {
      await table('RESET SETTING parts_to_delay_insert, parts_to_throw_insert')(on);
      await on.command('SYSTEM START MERGES audit_events');
    },
  },
  {
    name: 'refusing inserts because of too many parts in all partitions together',
    begin: table('MODIFY SETTING max_parts_in_total = 1'),
    end: table('RESET SETTING max_parts_in_total'),
  },
  {
    // The engine's own answer, 243, before it writes anything.
    name: 'low on disk space, by its own threshold',
    begin: table('MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000'),
    end: table('RESET SETTING min_free_disk_bytes_to_perform_insert'),
  },
  {
    // A table is read-only for a while when its replica has lost Keeper, which one process does not
    // have; the text is ClickHouse's own.
    name: 'read-only for a while (242)',
    begin: ({ proxy }) => {
      const body =
        'Code: 242. DB::Exception: Table is in readonly mode since table metadata was not found in zookeeper. (TABLE_IS_READ_ONLY) (version 26.7.2.1)';
      proxy.treat(({ isInsert }) => (isInsert ? { status: 500, body } : 'pass'));
    },
    end: passing,
  },
];

/** What is in the tables after it; nothing was dropped, doubled or quarantined for it. */
async function play(on: EngineScene, { begin, end }: Omit<Outage, 'name'>): Promise<Judgement> {
  const { its } = on;
  const workers = await on.workers(2);
  const load = its.load(400);
  await until(
    'rows are stored',
    () => its.judge(),
    ({ stored }) => stored > 0,
  );
  await begin(on);
  for (const worker of workers) await worker.logged(WAITING);
  const before = load.acknowledged;
  await until(
    'more has come meanwhile',
    () => Promise.resolve(load.acknowledged),
    (now) => now > before + 400,
  );
  await end(on);
  for (const worker of workers) await worker.logged('the outage is over');
  await load.stop();
  return its.judgeWhenCommitted();
}

const allStoredOnce = ({ produced }: Judgement) => ({
  quarantined: 0,
  stored: produced,
  ...FAULTLESS,
});

describe('ClickHouse is', () => {
  it.each(outages)('$name (R-DLV-03)', async (outage) => {
    const judgement = await play(await engineScene(stage), outage);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
  });
});

describe('ClickHouse is away for longer than a session', () => {
  const SESSION_MS = 6_000;
  const joins = (worker: WorkerProcess): number =>
    worker.log().split('joined the group').length - 1;

  it('and nobody leaves the group: heartbeats go out while all is paused, with a full buffer (R-DLV-03)', async () => {
    const on = await engineScene(stage);
    const { its, proxy } = on;
    const workers = await on.workers(2, {
      LEDGERLINE_BUFFER_BYTES: String(1024 * 1024),
      LEDGERLINE_SESSION_TIMEOUT_MS: String(SESSION_MS),
    });
    const load = its.load(1_500);
    await until(
      'rows are stored',
      () => its.judge(),
      ({ stored }) => stored > 0,
    );
    proxy.treat(() => ({ status: 503 }));
    for (const worker of workers) await worker.logged(WAITING);
    const joined = workers.map(joins);
    const began = performance.now();
    const before = load.acknowledged;
    await until(
      'a session and a half has passed, and more has come than both may hold',
      () => Promise.resolve([performance.now() - began, load.acknowledged - before]),
      ([ms = 0, more = 0]) => ms > 1.5 * SESSION_MS && more > 5_000,
    );
    expect(workers.map(joins)).toEqual(joined);
    proxy.treat(() => 'pass');
    await load.stop();
    const judgement = await its.judgeWhenCommitted(90_000);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
    expect(workers.map(joins)).toEqual(joined);
  });

  it('nor is a session lost while partitions are taken over, when each question takes seconds', async () => {
    const on = await engineScene(stage);
    const { its, proxy } = on;
    await its.produce(messages(200));
    proxy.treat(({ statement, isInsert }) =>
      !isInsert && statement.includes('audit_events')
        ? { hold: (release) => void setTimeout(release, 3_500) }
        : 'pass',
    );
    const began = performance.now();
    const [worker] = await on.workers(1, {
      LEDGERLINE_SESSION_TIMEOUT_MS: String(SESSION_MS),
      LEDGERLINE_INSERT_TIMEOUT_MS: '6000',
      LEDGERLINE_LEASE_MS: '15000',
    });
    expect(performance.now() - began).toBeGreaterThan(SESSION_MS);
    const judgement = await its.judgeWhenCommitted(90_000);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
    expect(worker && joins(worker)).toBe(1);
  });

  /** Workers whose questions about what is stored are not answered before `answer()`. */
  async function takingOver() {
    const on = await engineScene(stage);
    const { its, proxy } = on;
    await its.produce(messages(200));
    proxy.treat(({ statement, isInsert }) =>
      !isInsert && statement.includes('kafka_offset') ? { status: 503 } : 'pass',
    );
    const worker = (): WorkerProcess =>
      its.worker(
        { LEDGERLINE_SESSION_TIMEOUT_MS: String(SESSION_MS) },
        { clickhouseUrl: proxy.url },
      );
    return { its, worker, answer: () => proxy.treat(() => 'pass') };
  }

  it('and who takes partitions over meanwhile waits for it as a member of the group (R-DLV-03)', async () => {
    const { its, worker: start, answer } = await takingOver();
    const worker = start();
    await worker.logged(WAITING);
    const began = performance.now();
    await until(
      'a session and a half has passed',
      () => Promise.resolve(performance.now() - began),
      (ms) => ms > 1.5 * SESSION_MS,
    );
    expect(joins(worker)).toBe(0);
    answer();
    const judgement = await its.judgeWhenCommitted(90_000);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
    expect(joins(worker)).toBe(1);
    // Who leaves and joins again begins another generation.
    expect(worker.log()).toContain('"generation":1,');
    expect(worker.log()).toContain('"of":"clickhouse"');
    expect(worker.log()).not.toContain('KAFKA_RECONNECTING');
  });

  it('and who waits so lets others in, and stops when it is told to', async () => {
    const { its, worker: start, answer } = await takingOver();
    const first = start();
    await first.logged(WAITING);
    const second = start();
    // Well within the time that a group waits for members that do not answer its call.
    await second.logged(WAITING, 20_000);
    first.kill('SIGTERM');
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(first.log()).toContain('STOPPED');
    answer();
    const judgement = await its.judgeWhenCommitted(90_000);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
    expect(joins(first)).toBe(0);
  });
});

describe('the disk of ClickHouse is full', () => {
  const possible = mayMount();
  if (!possible) {
    console.warn('No file system may be mounted here: a disk that is really full is not tested.');
  }

  it.runIf(possible)('for real, ENOSPC in the middle of writing', async () => {
    const folder = mountSmall();
    stage.atEnd(() => unmount(folder));
    const dataDir = join(folder, 'engine');
    mkdirSync(dataDir);
    const filler = join(folder, 'filler');
    const judgement = await play(await engineScene(stage, { dataDir }), {
      begin: () => fillUp(filler),
      end: () => rmSync(filler),
    });
    expect(judgement).toMatchObject(allStoredOnce(judgement));
  });
});

/** To the last byte; the engine writes beside it. */
function fillUp(file: string): void {
  for (const size of [1024 * 1024, 4_096, 512]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

/** @throws where it is not allowed */
function mountSmall(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

function unmount(folder: string): void {
  execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
}

function mayMount(): boolean {
  try {
    unmount(mountSmall());
    return true;
  } catch {
    return false;
  }
}

describe('ClickHouse is SIGKILLed in the middle of inserts of two workers, and started again', () => {
  it('three times, and stores every offset once', async () => {
    const on = await engineScene(stage);
    const { its } = on;
    await on.workers(2);
    const load = its.load(800);
    for (const delayMs of [2, 12, 40]) {
      let seen: () => void = () => undefined;
      const inserting = new Promise<void>((resolve) => (seen = resolve));
      on.proxy.treat(({ isInsert }) => {
        if (isInsert) seen();
        return 'pass';
      });
      await inserting;
      // Not a wait for something: the moment of the kill is what varies.
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await on.restart('SIGKILL');
    }
    await load.stop();
    const judgement = await its.judgeWhenCommitted(90_000);
    expect(judgement).toMatchObject(allStoredOnce(judgement));
  });
});
