import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { authenticate, refuseBrowsers } from './access.ts';
import { type Asked, readAsked } from './asked.ts';
import { decoderFor, readBody } from './body.ts';
import { Connections } from './connections.ts';
import { EngineException, notImplemented, toEngineException } from './exceptions.ts';
import { stringLiteral } from './literals.ts';
import { type Identity, Reply } from './reply.ts';
import { answerSelect } from './select.ts';
import { Spool } from './spool.ts';
import { readStatement, type Statement } from './statement.ts';
import { readSummary, writeSummary } from './summary.ts';

const MAX_BODY_BYTES = 1 << 30;
// As a server's http_max_uri_size: parameters and an INSERT's columns stand in the URL.
const MAX_HEAD_BYTES = 1 << 20;
const KEEP_ALIVE_MS = 30_000;

type Insert = Extract<Statement, { kind: 'insert' | 'insert-select' }>;

interface EndpointOptions {
  readonly dataDir: string;
  readonly port: number;
  /** Of the one user, `default`. Default: none. */
  readonly password: string;
  readonly configFile?: string | undefined;
}

/** ClickHouse's HTTP interface over the engine in this process. */
export class Endpoint {
  readonly #connections: Connections;
  readonly #spool: Spool;
  readonly #identity: Identity;
  readonly #password: string;
  readonly #server: Server;
  readonly #open = new Set<Promise<void>>();

  private constructor(options: EndpointOptions, connections: Connections, identity: Identity) {
    this.#connections = connections;
    this.#identity = identity;
    this.#password = options.password;
    this.#spool = new Spool(MAX_BODY_BYTES);
    this.#server = createServer({ maxHeaderSize: MAX_HEAD_BYTES }, (request, response) =>
      this.#accept(request, response),
    );
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    // A large body, or a worker that was stopped in the middle of one, may take its time.
    this.#server.requestTimeout = 0;
  }

  /** @throws Error when the folder cannot be opened, or the port is taken */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const connections = new Connections(options.dataDir, options.configFile);
    const identity = {
      version: await connections.ask('SELECT version()'),
      timezone: await connections.ask('SELECT timezone()'),
      displayName: await connections.ask('SELECT hostName()'),
    };
    const endpoint = new Endpoint(options, connections, identity);
    await new Promise<void>((resolve, reject) => {
      endpoint.#server.once('error', reject);
      endpoint.#server.listen({ host: '127.0.0.1', port: options.port }, resolve);
    });
    return endpoint;
  }

  /** Takes no new requests, lets running ones end until the deadline, closes the engine. */
  async close(deadlineMs: number): Promise<void> {
    this.#server.close();
    this.#server.closeIdleConnections();
    const answered = Promise.allSettled(this.#open);
    const timer = setTimeout(() => void this.#connections.cancelAll(answered), deadlineMs);
    await answered;
    clearTimeout(timer);
    this.#server.closeAllConnections();
    await this.#connections.close();
    this.#spool.remove();
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    const reply = new Reply(request, response, this.#identity);
    const answered = this.#answer(request, reply).catch(async (error: unknown) => {
      // Whatever of the body nobody read must not be taken for the next request.
      request.resume();
      await reply.fail(toEngineException(error));
    });
    this.#open.add(answered);
    void answered.finally(() => this.#open.delete(answered));
  }

  async #answer(request: IncomingMessage, reply: Reply): Promise<void> {
    refuseBrowsers(request);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (url.pathname === '/ping') return reply.plain(200, 'Ok.\n');
    if (url.pathname !== '/') throw notImplemented(`the path ${url.pathname}`);
    if (request.method !== 'GET' && request.method !== 'POST') {
      throw notImplemented(`the method ${request.method}`);
    }
    const asked = readAsked(url, request.headers);
    reply.describe(asked);
    if (request.method === 'GET' && asked.query === undefined) return reply.plain(200, 'Ok.\n');
    authenticate(asked, this.#password);
    if (request.method === 'GET') return this.#run(asked.query ?? '', readOnly(asked), reply);

    const inUrl = readStatement(asked.query ?? '');
    if (inUrl.kind === 'insert' || inUrl.kind === 'insert-select') {
      return this.#insert(inUrl, asked, reply, request);
    }
    const body = await readBody(request);
    return this.#run(asked.query ? `${asked.query}\n${body}` : body, asked, reply);
  }

  async #run(sql: string, asked: Asked, reply: Reply): Promise<void> {
    const statement = readStatement(sql);
    switch (statement.kind) {
      case 'empty':
        throw new EngineException(62, 'SYNTAX_ERROR', 'Syntax error: Empty query');
      case 'many':
        throw manyStatements(sql, statement.at);
      case 'file':
        throw notImplemented(`${statement.clause}: send or receive the rows over HTTP`);
      case 'insert':
      case 'insert-select':
        return this.#insert(statement, asked, reply);
      case 'select':
        return this.#connections.with(asked, true, (connection) =>
          answerSelect({ sql, statement, asked, reply }, connection, this.#spool),
        );
      case 'other': {
        const ran = await this.#connections.with(asked, false, (connection) =>
          connection.run(sql, asked.format),
        );
        return reply.whole(asked.format, readSummary(ran), ran.bytes);
      }
    }
  }

  /** Rows behind the statement come first, then those of the body, as they would in one text. */
  async #insert(
    statement: Insert,
    asked: Asked,
    reply: Reply,
    request?: IncomingMessage,
  ): Promise<void> {
    const body = request && { stream: request, decoder: decoderFor(request) };
    const ran = await this.#spool.withRows(statement.rows, body, (path) =>
      this.#connections.with(asked, true, (connection) =>
        connection.run(fromFile(statement, path), asked.format),
      ),
    );
    // Of what went through a SELECT the library counts nothing.
    const summary = statement.kind === 'insert' ? writeSummary(ran) : readSummary(ran);
    reply.whole(asked.format, summary, new Uint8Array());
  }
}

/** A GET may only read, as with a server. */
function readOnly(asked: Asked): Asked {
  return { ...asked, settings: new Map([...asked.settings, ['readonly', '2']]) };
}

function manyStatements(sql: string, at: number): EngineException {
  return new EngineException(
    62,
    'SYNTAX_ERROR',
    `Syntax error (Multi-statements are not allowed): failed at position ${at + 1} (end of query): ${sql.slice(at, at + 60)}. .`,
  );
}

/** The statement that reads an insert's rows from a file instead of its own text. */
function fromFile(insert: Insert, path: string): string {
  const from = stringLiteral(path);
  if (insert.kind === 'insert') {
    return `${insert.head} FROM INFILE ${from} ${insert.settings} FORMAT ${insert.format}`;
  }
  const { head, format, structure, tail } = insert;
  return `${head} file(${from}, ${stringLiteral(format)}, ${structure}) ${tail}`;
}
