/** An exception of the engine, or of the endpoint in the engine's words. */
export class EngineException extends Error {
  override readonly name = 'EngineException';
  readonly code: number;
  readonly type: string;

  constructor(code: number, type: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.type = type;
  }

  /** The text as a server sends it in the body. */
  toText(version: string): string {
    return `Code: ${this.code}. DB::Exception: ${this.message} (${this.type}) (version ${version})\n`;
  }
}

const PREFIX = /^(?:Code: (\d+)\. )?DB::Exception: /;
// Where the endpoint kept an INSERT's rows is nothing that a server would say.
const SPOOL_FILE =
  /: \(in file\/uri [^)]*\)|: While executing File: data for INSERT was parsed from file/g;
const TYPE = / ?\(([A-Z][A-Z0-9_]+)\)(?: \(version [^)]*\))?\.?\s*$/;

/** Reads an error of the library, which may repeat its prefix and its suffix, into code, type and text. */
export function toEngineException(error: unknown): EngineException {
  if (error instanceof EngineException) return error;
  if (isCorruptBody(error)) {
    return new EngineException(
      354,
      'ZLIB_INFLATE_FAILED',
      `inflate failed: ${error.message}`,
      error,
    );
  }
  let text = error instanceof Error ? error.message : String(error);
  let code: number | undefined;
  for (let match = PREFIX.exec(text); match !== null; match = PREFIX.exec(text)) {
    code ??= match[1] === undefined ? undefined : Number(match[1]);
    text = text.slice(match[0].length);
  }
  let type: string | undefined;
  for (let match = TYPE.exec(text); match !== null; match = TYPE.exec(text)) {
    type ??= match[1];
    text = text.slice(0, match.index);
  }
  return new EngineException(
    code ?? UNKNOWN_EXCEPTION,
    type ?? 'UNKNOWN_EXCEPTION',
    text.replaceAll(SPOOL_FILE, ''),
    error,
  );
}

/** Node's zlib: Z_DATA_ERROR, Z_BUF_ERROR, …; for brotli ERR_BROTLI_… or a bare ERR_…. */
function isCorruptBody(error: unknown): error is Error & { errno: number } {
  return (
    error instanceof Error &&
    'errno' in error &&
    'code' in error &&
    /^(?:Z_|ERR_)/.test(String(error.code))
  );
}

const UNKNOWN_EXCEPTION = 1002;

/** What this endpoint does not do is said in words, with the code that gives HTTP status 501. */
export function notImplemented(what: string): EngineException {
  return new EngineException(
    48,
    'NOT_IMPLEMENTED',
    `the local endpoint does not support ${what}; a ClickHouse server does.`,
  );
}

// As ClickHouse's src/Server/HTTP/exceptionCodeToHTTPStatus.cpp has it.
const STATUSES: readonly (readonly [status: number, codes: readonly number[]])[] = [
  [401, [194]],
  [403, [192, 193, 497, 512, 516]],
  [
    400,
    [
      6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427,
      441, 675, 676,
    ],
  ],
  [404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511]],
  [408, [159]],
  [411, [381]],
  [413, [229]],
  [415, [779]],
  [501, [48]],
  [503, [76, 209, 439]],
];
const STATUS_OF = new Map(
  STATUSES.flatMap(([status, codes]) => codes.map((code) => [code, status])),
);

/** The HTTP status under which a server sends an exception. */
export function httpStatus(code: number): number {
  return STATUS_OF.get(code) ?? 500;
}

/**
 * What a server (25.11 and newer) appends to rows that already went out, before it breaks the
 * chunked stream off: clients find it by the tag that the headers announced.
 */
export function exceptionBlock(text: string, tag: string): string {
  const message = text.endsWith('\n') ? text : `${text}\n`;
  const length = Buffer.byteLength(message);
  return `\r\n__exception__\r\n${tag}\r\n${message}${length} ${tag}\r\n__exception__\r\n`;
}
