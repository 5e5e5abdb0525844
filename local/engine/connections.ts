import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Session, drainPending } from 'chdb';
import type { Asked } from './asked.ts';
import { EngineException, toEngineException } from './exceptions.ts';
import { identifier, stringLiteral } from './literals.ts';

/** What a statement did, as far as the library counts it. */
export interface Ran {
  readonly bytes: Uint8Array;
  /** Rows of the result; for INSERT … FROM INFILE the rows that were parsed. */
  readonly rows: number;
  readonly rowBytes: number;
  readonly elapsedNs: number;
}

/** Whose end ends a statement, and what in its text tells it from all others. */
export interface Abandoned {
  readonly gone: AbortSignal;
  readonly mark: string;
}

/** One request's connection to the engine: its settings are its own. */
export interface Connection {
  /** @throws EngineException NETWORK_ERROR, when the client was gone before the statement began */
  run(sql: string, format: string, abandoned?: Abandoned): Promise<Ran>;
}

// The library comes with the settings of clickhouse-local; these are the server's.
const AS_A_SERVER = ['--implicit_select=0', '--allow_introspection_functions=0'];
const MAX_RUNNING = 24;
const MAX_WAITING = 1000;
const MAX_IDLE = 8;
/** A statement cannot be cancelled before it stands among the running, so that it is tried again. */
const CANCEL_AGAIN_MS = 50;

/**
 * The engine's one data folder, and connections to it. A connection costs half a millisecond and
 * 250 kB, and closing waits for *every* running statement, so that connections are used again
 * where nothing of a request can stay behind in them.
 */
export class Connections {
  readonly #dataDir: string;
  readonly #arguments: string[];
  /** Open as long as the process: the engine shuts down with its last connection. */
  readonly #anchor: Session;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @throws Error of the library when the folder cannot be opened, or is another process's */
  constructor(dataDir: string, configFile?: string) {
    this.#dataDir = dataDir;
    // Where BACKUP … TO File('name') may write, as a server's configuration would say.
    const backups = `--backups.allowed_path=${join(dataDir, 'backups')}/`;
    this.#arguments = [
      ...AS_A_SERVER,
      backups,
      ...(configFile ? [`--config-file=${configFile}`] : []),
    ];
    this.#anchor = new Session(dataDir, { connectionArgs: this.#arguments });
  }

  get running(): number {
    return this.#running;
  }

  /** Runs `use` on a connection that has the request's settings, parameters and database. */
  async with<T>(
    asked: Pick<Asked, 'settings' | 'parameters' | 'database'>,
    reusable: boolean,
    use: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    await this.#enter();
    let session: Session | undefined;
    let clean = false;
    try {
      session = this.#idle.pop() ?? new Session(this.#dataDir, { connectionArgs: this.#arguments });
      const current = session;
      const prepare = preparation(asked);
      if (prepare !== '') await run(current, prepare, 'Null');
      const result = await use({
        run: (sql, format, abandoned) =>
          abandoned === undefined
            ? run(current, sql, format)
            : this.#runFor(abandoned, current, sql, format),
      });
      clean = reusable && asked.parameters.size === 0;
      return result;
    } finally {
      if (session !== undefined) await this.#giveBack(session, asked, clean);
      this.#leave();
    }
  }

  /** Cancels all statements, again and again until `settled`. Never rejects. */
  cancelAll(settled: Promise<unknown>): Promise<void> {
    return this.#cancel('1', settled);
  }

  /** Asks a question of the endpoint's own: one row, one text column. */
  async ask(sql: string): Promise<string> {
    const { bytes } = await run(this.#anchor, sql, 'TSVRaw');
    return Buffer.from(bytes).toString('utf8').trimEnd();
  }

  /** Waits for running statements, then closes the engine. */
  async close(): Promise<void> {
    for (const session of this.#idle.splice(0)) session.close();
    await drainPending();
    this.#anchor.close();
    await drainPending();
  }

  async #runFor(
    { gone, mark }: Abandoned,
    session: Session,
    sql: string,
    format: string,
  ): Promise<Ran> {
    if (gone.aborted) throw clientGone();
    const running = run(session, sql, format);
    let cancelled: Promise<void> | undefined;
    const cancel = (): void => {
      cancelled = this.#cancel(`position(query, ${stringLiteral(mark)}) > 0`, running);
    };
    gone.addEventListener('abort', cancel, { once: true });
    try {
      return await running;
    } finally {
      gone.removeEventListener('abort', cancel);
      // A late one would hit the next statement with this mark.
      await cancelled;
    }
  }

  async #cancel(which: string, settled: Promise<unknown>): Promise<void> {
    let left = true;
    const over = settled.then(
      () => (left = false),
      () => (left = false),
    );
    while (left) {
      const kill = `KILL QUERY WHERE ${which} AND query NOT ILIKE 'KILL %' ASYNC`;
      await run(this.#anchor, kill, 'Null').catch(() => undefined);
      await Promise.race([over, delay(CANCEL_AGAIN_MS)]);
    }
  }

  async #giveBack(
    session: Session,
    asked: Pick<Asked, 'settings' | 'database'>,
    clean: boolean,
  ): Promise<void> {
    if (clean && this.#idle.length < MAX_IDLE) {
      try {
        const undo = undoing(asked);
        if (undo !== '') await run(session, undo, 'Null');
        this.#idle.push(session);
        return;
      } catch {
        // A setting that cannot be undone (readonly) ends with its connection.
      }
    }
    session.close();
  }

  async #enter(): Promise<void> {
    if (this.#running < MAX_RUNNING) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new EngineException(
        202,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `Too many simultaneous queries. Maximum: ${MAX_RUNNING} running and ${MAX_WAITING} waiting.`,
      );
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands its place to the one that waited longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

export function clientGone(): EngineException {
  return new EngineException(210, 'NETWORK_ERROR', 'The client went away before its answer ended.');
}

async function run(session: Session, sql: string, format: string): Promise<Ran> {
  try {
    const result = await session.queryAsync(sql, { format });
    return {
      bytes: result.bytes(),
      rows: result.rowsRead,
      rowBytes: result.bytesRead,
      elapsedNs: Math.round(result.elapsed * 1e9),
    };
  } catch (error) {
    throw toEngineException(error);
  }
}

/**
 * Statements that give a connection the request's database, parameters and settings. Values are
 * quoted here and parsed by the engine; they never become part of the request's own SQL.
 */
function preparation(asked: Pick<Asked, 'settings' | 'parameters' | 'database'>): string {
  const statements: string[] = [];
  if (asked.database !== undefined) statements.push(`USE ${identifier(asked.database)}`);
  const changes = [
    ...[...asked.parameters].map(([name, value]) => `param_${name} = ${stringLiteral(value)}`),
    ...[...asked.settings].map(([name, value]) => `${name} = ${stringLiteral(value)}`),
  ];
  if (changes.length > 0) statements.push(`SET ${changes.join(', ')}`);
  return statements.join('; ');
}

function undoing(asked: Pick<Asked, 'settings' | 'database'>): string {
  const statements: string[] = [];
  if (asked.database !== undefined) statements.push('USE default');
  const names = [...asked.settings.keys()];
  if (names.length > 0)
    statements.push(`SET ${names.map((name) => `${name} = DEFAULT`).join(', ')}`);
  return statements.join('; ');
}
