import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, inject, onTestFinished, test } from 'vitest';
import { ClickHouseError, ClickHouseUnreachable, openClickHouse } from '../../clickhouse/index.ts';
import type { ClickHouse, ClickHouseConfig } from '../../clickhouse/index.ts';
import { ledgerForTest } from './support.ts';

function connect(config: Partial<ClickHouseConfig> = {}): ClickHouse {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl'), ...config });
  onTestFinished(() => clickhouse.close());
  return clickhouse;
}

/** A server that answers as the test says, to make what a healthy engine does not do on demand. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const oneRow = { table: 't', columns: ['n'], format: 'JSONEachRow' };

test('values are bound, never spliced, and 64-bit integers keep their digits', async () => {
  const rows = await connect().query<{ said: string; big: string }>(
    'SELECT {said:String} AS said, toUInt64(18446744073709551615) AS big',
    { params: { said: "'; DROP TABLE x; --\n\\ é" } },
  );
  expect(rows).toEqual([{ said: "'; DROP TABLE x; --\n\\ é", big: '18446744073709551615' }]);
});

test.each([
  ['buffers', () => [Buffer.from('{"n":1}\n{"n'), Buffer.from('":2}\n')]],
  ['a stream', () => Readable.from([Buffer.from('{"n":1}\n{"n":2}\n')])],
])('an insert from %s passes the bytes on and reports the rows written', async (_, body) => {
  for (const compression of ['none', 'gzip'] as const) {
    const { clickhouse } = await ledgerForTest();
    const gzip = connect({ database: clickhouse.database, compression });
    await gzip.command('CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n');
    expect(await gzip.insert({ ...oneRow, body: body() })).toEqual({ writtenRows: 2 });
    expect(await gzip.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  }
});

test('a refused insert names type, column and row, and quotes nothing of the row', async () => {
  const { clickhouse } = await ledgerForTest();
  await clickhouse.command('CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n');
  const body = [Buffer.from('{"n":1}\n{"n":"Ada Lovelace"}\n')];
  const error: unknown = await clickhouse.insert({ ...oneRow, body }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ClickHouseError);
  expect(error).toMatchObject({ engineCode: 27, column: 'n', row: 2, retryable: false });
  expect(String(error)).not.toContain('Ada');
});

test('a refused statement says what the engine said, with code, type and HTTP status', async () => {
  await expect(connect().query('SELECT * FROM no_such_table')).rejects.toMatchObject({
    code: 'CLICKHOUSE_REFUSED',
    engineCode: 60,
    engineType: 'UNKNOWN_TABLE',
    httpStatus: 404,
    message: expect.stringContaining('no_such_table') as string,
    hint: expect.stringContaining('ledgerline migrate') as string,
  });
});

test('a result can be streamed in any format', async () => {
  const stream = await connect().stream('SELECT number FROM numbers(3)', { format: 'CSV' });
  expect(await text(stream)).toBe('0\n1\n2\n');
});

test('eight calls at once do not wait for each other’s connections', async () => {
  const clickhouse = connect();
  const rows = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      clickhouse.query('SELECT {i:UInt8} AS i', { params: { i } }),
    ),
  );
  expect(rows).toEqual(Array.from({ length: 8 }, (_, i) => [{ i }]));
});

test('where nothing listens, the error names the address and not the password', async () => {
  const clickhouse = connect({ url: 'http://127.0.0.1:1', password: 'hush' });
  const error: unknown = await clickhouse.query('SELECT 1').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ClickHouseUnreachable);
  expect(error).toMatchObject({ code: 'CLICKHOUSE_UNREACHABLE', retryable: true });
  expect(String(error)).toContain('http://127.0.0.1:1');
  expect(JSON.stringify([String(error), error])).not.toContain('hush');
  await expect(clickhouse.ping()).rejects.toBeInstanceOf(ClickHouseUnreachable);
});

test('a server that never answers is given up at the deadline, by every call', async () => {
  const url = await answering(() => undefined);
  const clickhouse = connect({ url, requestTimeoutMs: 100 });
  const body = [Buffer.from('{"n":1}\n')];
  const calls = [
    clickhouse.query('SELECT 1'),
    clickhouse.stream('SELECT 1', { format: 'CSV' }),
    clickhouse.command('SELECT 1'),
    clickhouse.insert({ ...oneRow, body }),
    clickhouse.ping(100),
  ];
  for (const call of calls) {
    await expect(call).rejects.toThrow(/no answer within 100 ms/);
  }
});

test('a body that stops in the middle is given up at the deadline', async () => {
  const url = await answering((_, response) => response.writeHead(200).write('{"n":1}\n'));
  const clickhouse = connect({ url, requestTimeoutMs: 100 });
  await expect(clickhouse.query('SELECT 1')).rejects.toBeInstanceOf(ClickHouseUnreachable);
});

test('an aborted call ends with the caller’s reason', async () => {
  const url = await answering(() => undefined);
  const stop = new AbortController();
  const call = connect({ url }).query('SELECT 1', { signal: stop.signal });
  stop.abort(new Error('draining'));
  await expect(call).rejects.toThrow('draining');
});

test('R-DLV-01 a cut connection repeats a read once, and an insert never', async () => {
  let requests = 0;
  const url = await answering((request, response) => {
    requests += 1;
    request.resume();
    request.on('end', () =>
      requests === 1 ? request.socket.destroy() : response.end('{"n":1}\n'),
    );
  });
  const clickhouse = connect({ url });
  expect(await clickhouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  expect(requests).toBe(2);
  requests = 0;
  const insert = clickhouse.insert({ ...oneRow, body: [Buffer.from('{"n":1}\n')] });
  await expect(insert).rejects.toBeInstanceOf(ClickHouseUnreachable);
  expect(requests).toBe(1);
});

test('an exception after the first rows does not pass for the end of the result', async () => {
  const tag = 'abcdefghijklmnop';
  const url = await answering((_, response) => {
    response.writeHead(200, { 'X-ClickHouse-Exception-Tag': tag });
    response.write('{"n":1}\n\r\n__exce');
    response.end(
      `ption__\r\n${tag}\r\nCode: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n1 ${tag}\r\n__exception__\r\n`,
    );
  });
  const clickhouse = connect({ url });
  const memory = { engineCode: 241, engineType: 'MEMORY_LIMIT_EXCEEDED', retryable: true };
  await expect(clickhouse.query('SELECT 1')).rejects.toMatchObject(memory);
  const stream = await clickhouse.stream('SELECT 1', { format: 'JSONEachRow' });
  await expect(text(stream)).rejects.toMatchObject(memory);
});

test('another service on that port is told apart from ClickHouse', async () => {
  const url = await answering((_, response) => response.writeHead(404).end('<h1>nginx</h1>'));
  await expect(connect({ url }).query('SELECT 1')).rejects.toMatchObject({
    code: 'CLICKHOUSE_HTTP_ERROR',
    httpStatus: 404,
    retryable: false,
  });
});

test('table and column names cannot end the statement', async () => {
  const clickhouse = connect();
  const body = [Buffer.from('{"n":1}\n')];
  const table = 't` (n) VALUES (1); DROP TABLE t; --';
  await expect(clickhouse.insert({ ...oneRow, table, body })).rejects.toMatchObject({
    engineType: 'UNKNOWN_TABLE',
  });
});
