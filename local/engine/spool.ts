import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineException } from './exceptions.ts';

const FOLDER_PREFIX = 'ledgerline-spool-';
const MAKE_PIPE = 'mkfifo';
const MEMORY = '/dev/shm';
// Containers get 64 MB of it, too little for a few bodies at once.
const MEMORY_AT_LEAST_BYTES = 1 << 30;

/** A named pipe: the engine writes a result into it as into a file, and we read it as a stream. */
export interface Pipe {
  readonly path: string;
  open(): OpenPipe;
  release(): void;
}

/** A named pipe in use for one result. */
export interface OpenPipe {
  readonly stream: Readable;
  /** The engine has written all: the stream ends when it is read. Call it once. */
  end(): void;
}

/** An insert's rows as they come over HTTP, and what undoes their encoding. */
interface Body {
  readonly stream: Readable;
  readonly decoder: Transform | undefined;
}

/** Files through which bodies reach the engine, and pipes through which results leave it. */
export class Spool {
  readonly #folder: string;
  readonly #maxBodyBytes: number;
  readonly #pipes: string[] = [];
  #files = 0;
  #made = 0;

  constructor(maxBodyBytes: number) {
    const parent = memoryFolder();
    removeAbandoned(parent);
    this.#folder = join(parent, `${FOLDER_PREFIX}${process.pid}`);
    this.#maxBodyBytes = maxBodyBytes;
    this.remove();
    mkdirSync(this.#folder, { mode: 0o700 });
  }

  /** A path for one file, which the caller removes; no path is the beginning of another. */
  path(): string {
    this.#files += 1;
    return join(this.#folder, `file-${this.#files}-`);
  }

  /**
   * Writes an INSERT's rows to a file, decoding the body's on the way, and hands the file to `use`;
   * it is removed in any case. A body that breaks off rejects: half a body must not become half an
   * insert.
   */
  async withRows<T>(
    rows: string,
    body: Body | undefined,
    use: (path: string) => Promise<T>,
  ): Promise<T> {
    const path = this.path();
    try {
      await this.#write(path, rows, body);
      return await use(path);
    } catch (error) {
      throw isFull(error) ? spoolFull(this.#folder) : error;
    } finally {
      await rm(path, { force: true });
    }
  }

  /** In step with the socket: the file is memory, and a write to it is done sooner than a thread is asked. */
  async #write(path: string, rows: string, body: Body | undefined): Promise<void> {
    const file = openSync(path, 'w', 0o600);
    try {
      // Between URL and body there is a line end, as with a server.
      if (rows !== '') writeSync(file, body === undefined ? rows : `${rows}\n`);
      if (body === undefined) return;
      const { stream, decoder } = body;
      const sink = new FileSink(file, this.#maxBodyBytes);
      await (decoder === undefined ? pipeline(stream, sink) : pipeline(stream, decoder, sink));
    } finally {
      closeSync(file);
    }
  }

  pipe(): Pipe {
    const path = this.#pipes.pop() ?? this.#makePipe();
    return {
      path,
      open: () => openPipe(path),
      release: () => void this.#pipes.push(path),
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #makePipe(): string {
    this.#made += 1;
    const path = join(this.#folder, `pipe-${this.#made}-`);
    // Node has no call for it. It happens once per place in the engine, not once per request.
    execFileSync(MAKE_PIPE, ['-m', '600', path]);
    return path;
  }
}

/** A process that was killed leaves its folder, and with it perhaps bodies in memory. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = Number(name.startsWith(FOLDER_PREFIX) && name.slice(FOLDER_PREFIX.length));
    if (pid > 0 && !isAlive(pid)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive too, and its folder not ours to remove.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function memoryFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_AT_LEAST_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** A writer of our own keeps the pipe from ending before the engine has opened it. */
function openPipe(path: string): OpenPipe {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const keeper = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const stream = new Socket({ fd: reader, readable: true, writable: false });
  return { stream, end: () => closeSync(keeper) };
}

class FileSink extends Writable {
  readonly #file: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(file: number, maxBytes: number) {
    super({ decodeStrings: false });
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      done(tooLarge(this.#maxBytes));
      return;
    }
    try {
      for (let at = 0; at < chunk.length;) at += writeSync(this.#file, chunk, at);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}

function tooLarge(maxBytes: number): EngineException {
  return new EngineException(
    229,
    'QUERY_IS_TOO_LARGE',
    `The request's body exceeds the local endpoint's bound of ${maxBytes} bytes (decoded); send it in parts.`,
  );
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

function spoolFull(folder: string): EngineException {
  return new EngineException(243, 'NOT_ENOUGH_SPACE', `No space left for the body in ${folder}.`);
}
