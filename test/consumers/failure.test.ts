import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ClickHouseError,
  ClickHouseUnreachable,
  type CodeClass,
  ENGINE_CODES,
} from '../../clickhouse/index.ts';
import { refusalError } from '../../clickhouse/errors.ts';
import { classify } from '../../consumers/failure.ts';
import { WorkerError } from '../../consumers/worker-error.ts';

/** As ClickHouse sends it. */
const refused = (code: number, more: { row?: number; said?: string; httpStatus?: number } = {}) =>
  refusalError({
    address: 'http://127.0.0.1:8123',
    text: `Code: ${code}. DB::Exception: ${more.said ?? 'no'}${more.row === undefined ? '' : `: (at row ${more.row})`} (NAME)`,
    httpStatus: more.httpStatus ?? 500,
    quotes: 'rows',
  });
/** As something before ClickHouse sends it. */
const answered = (httpStatus: number | undefined) =>
  refusalError({ address: 'http://127.0.0.1:8123', text: '<html>', httpStatus, quotes: 'rows' });
const unreachable = (cause: unknown) =>
  new ClickHouseUnreachable('http://127.0.0.1:8123', 'the connection failed', cause);
const coded = (code: string) => Object.assign(new Error(code), { code });
const codesThatAre = (wanted: CodeClass): number[] =>
  [...ENGINE_CODES].filter(([, { is }]) => is === wanted).map(([code]) => code);

describe('what an exception of the engine means (R-DLV-02, R-DLV-03)', () => {
  it.each([
    ['a value that cannot be parsed', refused(72, { row: 4 }), 'content'],
    ['a duplicate or unknown key', refused(117, { row: 4 }), 'content'],
    ['a duplicate or unknown key, the row unnamed', refused(117), 'content'],
    ['an unknown key inside a tuple', refused(10), 'content'],
    ['a violated constraint', refused(469, { row: 4 }), 'content'],
    ['garbage behind an address', refused(632, { row: 4 }), 'content'],
    ['a code that nobody has met, naming a row', refused(9_999, { row: 4 }), 'content'],
    ['a code that nobody has met', refused(9_999), 'outage'],
    ['the same, as a denial', refused(9_999, { httpStatus: 403 }), 'configuration'],
    ['memory that ran out', refused(241), 'outage'],
    ['memory that ran out while reading a row', refused(241, { row: 4 }), 'outage'],
    ['a connection cut while reading a row', refused(95, { row: 4 }), 'outage'],
    ['a body that ended early, at a row', refused(3, { row: 4 }), 'outage'],
    ['a lease that has run out', refused(395), 'lease'],
    ['a missing table', refused(60), 'configuration'],
    ['a missing database', refused(81), 'configuration'],
    ['a missing column', refused(16), 'configuration'],
    ['a wrong password', refused(516), 'configuration'],
    ['a missing right', refused(497), 'configuration'],
    ['a user who may only read', refused(164), 'configuration'],
    ['a setting that the profile forbids', refused(452), 'configuration'],
    ['a table that was made read-only', refused(774), 'configuration'],
    ['a replica that is read-only for now', refused(242), 'outage'],
    ['too many parts', refused(252, { said: 'Too many parts (3000)' }), 'outage'],
    [
      'too many partitions in one insert',
      refused(252, { said: 'Too many partitions for single INSERT block' }),
      'too-large',
    ],
    ['too many queries at once', refused(202), 'outage'],
    ['a full disk', refused(243), 'outage'],
    ['Keeper away', refused(999), 'outage'],
    ['a statement that does not parse', refused(62), 'bug'],
  ])('%s: %s', (_, error, kind) => {
    expect(classify(error).kind).toBe(kind);
  });

  it('says the same of every code with its row unnamed as the table of codes', () => {
    const said = [...ENGINE_CODES].map(([code]) => [code, classify(refused(code)).kind]);
    expect(said).toEqual([...ENGINE_CODES].map(([code, { is }]) => [code, is]));
  });

  it('blames no row for an outage, whatever row the engine was reading', () => {
    const blamed = codesThatAre('outage').filter(
      (code) => classify(refused(code, { row: 1 })).kind !== 'outage',
    );
    expect(blamed).toEqual([]);
  });

  it('names the row that the engine named', () => {
    expect(classify(refused(117, { row: 4 }))).toMatchObject({ kind: 'content', row: 4 });
    expect(classify(refused(10))).toMatchObject({ kind: 'content', row: undefined });
  });

  it('tells the way out of a configuration', () => {
    for (const code of [16, 60, 81, 164, 192, 194, 452, 497, 516, 774]) {
      const failure = classify(refused(code));
      expect('hint' in failure && failure.hint).toMatch(
        /migrate|LEDGERLINE_|grant|profile|upgrade|table_readonly/,
      );
    }
  });
});

describe('what an answer means that is not ClickHouse’s', () => {
  it.each([
    [500, 'outage'],
    [502, 'outage'],
    [503, 'outage'],
    [504, 'outage'],
    [429, 'outage'],
    [408, 'outage'],
    [404, 'outage'],
    [200, 'outage'],
    [undefined, 'outage'],
    [413, 'too-large'],
    [401, 'configuration'],
    [403, 'configuration'],
    [407, 'configuration'],
    [301, 'configuration'],
    [400, 'configuration'],
    [405, 'configuration'],
  ])('HTTP %s: %s', (status, kind) => {
    expect(classify(answered(status)).kind).toBe(kind);
  });
});

describe('what no answer means', () => {
  it.each([
    'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ESOCKETTIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ENETDOWN EADDRNOTAVAIL EMFILE ENFILE ENOBUFS',
    'UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_SOCKET UND_ERR_CLOSED UND_ERR_DESTROYED',
    'HPE_INVALID_CONSTANT HPE_INVALID_CHUNK_SIZE ERR_STREAM_PREMATURE_CLOSE ERR_HTTP_REQUEST_TIMEOUT ABORT_ERR Z_DATA_ERROR',
  ])('of Node and undici, an outage: %s', (codes) => {
    const others = codes
      .split(' ')
      .filter((code) => classify(unreachable(coded(code))).kind !== 'outage');
    expect(others).toEqual([]);
  });

  it.each([
    'EPROTO CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_UNTRUSTED ERR_TLS_CERT_ALTNAME_INVALID DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY ERR_SSL_WRONG_VERSION_NUMBER',
  ])('of TLS, a configuration: %s', (codes) => {
    for (const code of codes.split(' ')) {
      const failure = classify(unreachable(coded(code)));
      expect(failure).toMatchObject({ kind: 'configuration' });
      expect('hint' in failure && failure.hint).toContain('LEDGERLINE_CLICKHOUSE_TLS_CA_FILE');
    }
  });

  it('finds the code also behind a client’s own errors', () => {
    const wrapped = new TypeError('fetch failed', { cause: coded('CERT_HAS_EXPIRED') });
    expect(classify(unreachable(wrapped)).kind).toBe('configuration');
    const both = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]);
    expect(classify(unreachable(new TypeError('fetch failed', { cause: both }))).kind).toBe(
      'outage',
    );
  });

  it('waits after a deadline, whose cause is an abort', () => {
    expect(classify(unreachable(new DOMException('late', 'TimeoutError'))).kind).toBe('outage');
    expect(classify(unreachable(undefined)).kind).toBe('outage');
  });
});

describe('everything else has a class too', () => {
  it.each([
    ['a mistake of ours', new TypeError('x is not a function'), 'bug'],
    ['a mistake of ours on the way to the engine', unreachable(new RangeError('no')), 'bug'],
    [
      'an error of ours that will not pass',
      new WorkerError('TABLE_UNFIT', '', { hint: '' }),
      'bug',
    ],
    ['an error without a code', new Error('gone'), 'outage'],
    ['something that is no error', 'gone', 'outage'],
    ['nothing', undefined, 'outage'],
  ])('%s: %s', (_, error, kind) => {
    expect(classify(error).kind).toBe(kind);
  });

  it('is total: any code, status, row and cause has one of six kinds', () => {
    const kinds = ['content', 'too-large', 'lease', 'configuration', 'bug', 'outage'];
    const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
    fc.assert(
      fc.property(
        optional(fc.integer({ min: -1, max: 2_000 })),
        optional(fc.integer({ min: 0, max: 999 })),
        optional(fc.integer({ min: 1 })),
        fc.boolean(),
        fc.anything(),
        (engineCode, httpStatus, row, retryable, cause) => {
          const refusal = { engineCode, httpStatus, row };
          const given = Object.entries(refusal).filter(([, value]) => value !== undefined);
          const error = new ClickHouseError('CLICKHOUSE_REFUSED', '', Object.fromEntries(given), {
            retryable,
            hint: '',
          });
          expect(kinds).toContain(classify(error).kind);
          expect(kinds).toContain(classify(unreachable(cause)).kind);
          expect(kinds).toContain(classify(cause).kind);
        },
      ),
    );
  });
});
