import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform, Writable } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { Asked } from './asked.ts';
import { type EngineException, exceptionBlock, httpStatus } from './exceptions.ts';
import { contentType } from './formats.ts';
import type { Summary } from './summary.ts';

/** What a server tells about itself in every answer. */
export interface Identity {
  readonly version: string;
  readonly timezone: string;
  readonly displayName: string;
}

const EXCEPTION_TAG_BYTES = 8;

/** One answer in ClickHouse's form: headers, rows perhaps compressed, exceptions at any point. */
export class Reply {
  readonly #response: ServerResponse;
  readonly #identity: Identity;
  readonly #exceptionTag = randomBytes(EXCEPTION_TAG_BYTES).toString('hex');
  readonly #accepted: string;
  readonly #gone = new AbortController();
  #queryId: string = randomUUID();
  #compresses = false;
  #compressor: Transform | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, identity: Identity) {
    this.#response = response;
    this.#identity = identity;
    this.#accepted = String(request.headers['accept-encoding'] ?? '');
    response.once('close', () => {
      if (!response.writableFinished) this.#gone.abort();
    });
  }

  /** Aborts when the client went away before its answer was complete. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  describe(asked: Asked): void {
    this.#queryId = asked.queryId ?? this.#queryId;
    const on = asked.settings.get('enable_http_compression');
    this.#compresses = on === '1' || on === 'true';
  }

  /** Starts a successful answer; the summary is what is known when it starts. */
  start(format: string, summary: Summary, bytes?: number): void {
    const headers = this.#headers();
    headers['Content-Type'] = contentType(format);
    headers['X-ClickHouse-Format'] = format;
    headers['X-ClickHouse-Summary'] = JSON.stringify(summary);
    this.#compressor = this.#compresses ? compressorFor(this.#accepted, headers) : undefined;
    this.#compressor?.pipe(this.#response);
    if (this.#compressor === undefined && bytes !== undefined) headers['Content-Length'] = bytes;
    this.#response.writeHead(200, headers);
  }

  /** Resolves when there is room for more, or nobody left to send it to. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.gone.aborted) return;
    const sink = this.#sink();
    if (sink.write(chunk)) return;
    await once(sink, 'drain', { signal: this.gone }).catch((error: unknown) => {
      if (!this.gone.aborted) throw error;
    });
  }

  end(): void {
    this.#sink().end();
  }

  /** Answers everything at once. */
  whole(format: string, summary: Summary, bytes: Uint8Array): void {
    this.start(format, summary, bytes.byteLength);
    this.#sink().end(bytes);
  }

  plain(status: number, text: string): void {
    this.#response.writeHead(status, {
      ...this.#headers(),
      'Content-Type': 'text/html; charset=UTF-8',
    });
    this.#response.end(text);
  }

  /**
   * Sends an exception: with its status, or, when rows already went out, as a block behind them,
   * after which the stream breaks off without its last chunk, so that no client takes it for whole.
   */
  async fail(exception: EngineException): Promise<void> {
    if (this.#response.destroyed) return;
    const text = exception.toText(this.#identity.version);
    if (this.started) {
      const sink = this.#sink();
      const block = exceptionBlock(text, this.#exceptionTag);
      await new Promise<void>((resolve) => sink.write(block, () => resolve()));
      const compressor = this.#compressor;
      if (compressor !== undefined && 'flush' in compressor) await flush(compressor);
      // Behind what was written: the socket sends that first.
      this.#response.socket?.destroySoon();
      return;
    }
    this.#response.writeHead(httpStatus(exception.code), {
      ...this.#headers(),
      'Content-Type': 'text/plain; charset=UTF-8',
      'X-ClickHouse-Exception-Code': exception.code,
    });
    this.#response.end(text);
  }

  #sink(): Writable {
    return this.#compressor ?? this.#response;
  }

  #headers(): Record<string, string | number> {
    return {
      'X-ClickHouse-Server-Display-Name': this.#identity.displayName,
      'X-ClickHouse-Query-Id': this.#queryId,
      'X-ClickHouse-Timezone': this.#identity.timezone,
      'X-ClickHouse-Exception-Tag': this.#exceptionTag,
    };
  }
}

function compressorFor(
  accepted: string,
  headers: Record<string, string | number>,
): Transform | undefined {
  if (/\bgzip\b/.test(accepted)) {
    headers['Content-Encoding'] = 'gzip';
    return createGzip({ level: constants.Z_BEST_SPEED });
  }
  if (/\bbr\b/.test(accepted)) {
    headers['Content-Encoding'] = 'br';
    return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  }
  return undefined;
}

async function flush(compressor: Transform): Promise<void> {
  if (!('flush' in compressor) || typeof compressor.flush !== 'function') return;
  const { flush: flushNow } = compressor;
  await new Promise<void>((resolve) => flushNow.call(compressor, () => resolve()));
}
