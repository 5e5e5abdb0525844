/**
 * An operator's transform: a function of theirs that repairs messages, in a thread of its own, so that
 * it can be late, throw, exit or fill its memory without harm to anything but its answer.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LedgerlineError } from '../../schemas/index.ts';
import type { FromThread, TransformContext, TransformResult } from './transform-protocol.ts';

export interface TransformOptions {
  /** For one message, and for loading the module. Default 1,000 ms and 10,000 ms. */
  readonly messageTimeoutMs?: number;
  readonly loadTimeoutMs?: number;
  /** What the transform prints, line by line; at most 1,000 lines of it. */
  readonly onOutput?: (line: string) => void;
}

/** In the sources beside this file; sources run from elsewhere use the built one. */
const THREAD = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../dist/consumers/quarantine/transform-thread.js'
    : './transform-thread.js',
  import.meta.url,
);
const MEMORY_MB = 256;
const MAX_LINES = 1_000;
/** After so many messages that it did not answer for, it will not answer for the next either. */
const MAX_HANGS = 5;

export class Transform {
  /** SHA-256 of the file, in hex. */
  readonly hash: string;
  readonly #url: string;
  readonly #options: Required<TransformOptions>;
  #worker: Worker | undefined;
  #hangs = 0;
  #lines = 0;

  private constructor(url: string, hash: string, options: TransformOptions) {
    this.#url = url;
    this.hash = hash;
    this.#options = {
      messageTimeoutMs: options.messageTimeoutMs ?? 1_000,
      loadTimeoutMs: options.loadTimeoutMs ?? 10_000,
      onOutput: options.onOutput ?? (() => undefined),
    };
  }

  /**
   * Loads an ES module that exports a function, as default or as `transform`.
   *
   * @throws LedgerlineError CONFIG_INVALID for a file that is not there, or is no such module
   * @example
   * await using transform = await Transform.load('./repair.mjs');
   * const result = await transform.apply(context); // { kind: 'message', bytes }
   */
  static async load(path: string, options: TransformOptions = {}): Promise<Transform> {
    const file = resolve(path);
    let source: Buffer;
    try {
      source = await readFile(file);
    } catch (error) {
      throw new LedgerlineError('CONFIG_INVALID', `The transform ${path} cannot be read.`, {
        hint: 'Name a JavaScript module that exists.',
        cause: error,
      });
    }
    const hash = createHash('sha256').update(source).digest('hex');
    const transform = new Transform(pathToFileURL(file).href, hash, options);
    try {
      await transform.#start();
    } catch (error) {
      await transform[Symbol.asyncDispose]();
      throw new LedgerlineError(
        'CONFIG_INVALID',
        `The transform ${path} ${error instanceof Error ? error.message : 'cannot be loaded'}`,
        { hint: 'Write `export default (event, context) => event` (docs/quarantine.md).' },
      );
    }
    return transform;
  }

  /**
   * What the transform makes of one message; never rejects for what the transform does, except when it
   * has hung five times.
   *
   * @throws LedgerlineError CALLBACK_FAILED
   */
  async apply(context: TransformContext): Promise<TransformResult> {
    try {
      this.#worker ??= await this.#start();
      const answer = await this.#ask(this.#worker, this.#options.messageTimeoutMs, context);
      if (answer.kind === 'loaded' || answer.kind === 'unusable') throw new Error('is out of step');
      return answer;
    } catch (error) {
      await this.#stop();
      const text = error instanceof Error ? error.message : String(error);
      if (error instanceof Hung && ++this.#hangs >= MAX_HANGS) {
        throw new LedgerlineError('CALLBACK_FAILED', `The transform ${text} ${MAX_HANGS} times.`, {
          hint: 'Try it with --dry-run on one message, and give it an end.',
        });
      }
      return { kind: 'failed', error: text };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  async #start(): Promise<Worker> {
    const worker = new Worker(THREAD, {
      workerData: this.#url,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    this.#worker = worker;
    // What ends a thread between two messages must not end the process, nor let the next one wait.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#listen(worker.stdout);
    this.#listen(worker.stderr);
    const answer = await this.#ask(worker, this.#options.loadTimeoutMs);
    if (answer.kind === 'unusable') throw new Error(answer.error);
    return worker;
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #ask(worker: Worker, timeoutMs: number, context?: TransformContext): Promise<FromThread> {
    return new Promise((settle, reject) => {
      const onExit = (): void => finish(() => reject(new Error('ended its thread')));
      const onError = (error: Error): void => {
        const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        const words = isMemory ? `used more than ${MEMORY_MB} MB` : `failed: ${error.message}`;
        finish(() => reject(new Error(words.slice(0, 300))));
      };
      const onMessage = (answer: FromThread): void => finish(() => settle(answer));
      const timer = setTimeout(
        () => finish(() => reject(new Hung(`gave no answer within ${timeoutMs} ms`))),
        timeoutMs,
      );
      const finish = (end: () => void): void => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        end();
      };
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      if (context !== undefined) worker.postMessage(context);
    });
  }

  #listen(output: Readable): void {
    let rest = '';
    output.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, 1_000);
      for (const line of lines) {
        if (this.#lines++ < MAX_LINES) this.#options.onOutput(line.slice(0, 1_000));
      }
    });
  }
}

class Hung extends Error {}
