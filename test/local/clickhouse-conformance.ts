import { request } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  type ClickHouseTarget,
  escaped,
  must,
  open,
  randomName,
} from './clickhouse-target.ts';

/**
 * What Ledgerline relies on of ClickHouse over HTTP. The local engine and a real server must
 * agree on every line of it.
 */
export function describeClickHouse(name: string, target: () => ClickHouseTarget): void {
  describe(`ClickHouse over HTTP: ${name}`, () => {
    const database = randomName('conformance');
    const at = target;
    beforeAll(async () => {
      await must(at(), `CREATE DATABASE ${database}`);
    });
    afterAll(async () => {
      await must(at(), `DROP DATABASE IF EXISTS ${database}`);
    });
    /** A new empty table, named with its database. */
    async function table(columns: string, settings = ''): Promise<string> {
      const full = `${database}.${randomName('t')}`;
      await must(
        at(),
        `CREATE TABLE ${full} (${columns}) ENGINE = MergeTree ORDER BY tuple() ${settings}`,
      );
      return full;
    }
    const count = (of: string): Promise<string> => must(at(), `SELECT count() FROM ${of}`);

    describe('answers', () => {
      it('is alive', async () => {
        const ping = await ask(at(), { path: '/ping', method: 'GET' });
        expect([ping.status, ping.text]).toEqual([200, 'Ok.\n']);
      });

      it('speaks tab-separated unless told otherwise, and says so in its headers', async () => {
        const answer = await ask(at(), "SELECT 1, 'a\\tb'");
        expect(answer.text).toBe('1\ta\\tb\n');
        expect(answer.headers.get('x-clickhouse-format')).toBe('TabSeparated');
        expect(answer.headers.get('content-type')).toMatch(/^text\/tab-separated-values/);
        expect(answer.headers.get('x-clickhouse-timezone')).toBeTruthy();
        expect(answer.headers.get('x-clickhouse-server-display-name')).toBeTruthy();
        expect(answer.headers.get('x-clickhouse-query-id')).toBeTruthy();
      });

      it('keeps the query id it is given', async () => {
        const id = randomName('query');
        const answer = await ask(at(), { query: 'SELECT 1', settings: { query_id: id } });
        expect(answer.headers.get('x-clickhouse-query-id')).toBe(id);
      });

      it.each([
        ['JSONEachRow', '{"n":7,"s":"x"}\n'],
        ['JSONCompactEachRow', '[7, "x"]\n'],
        ['CSVWithNames', '"n","s"\n7,"x"\n'],
        ['TSVWithNames', 'n\ts\n7\tx\n'],
        ['RowBinary', '\x07\x01x'],
      ])('writes %s, asked for in the SQL or as the default', async (format, text) => {
        const query = "SELECT 7 :: UInt8 AS n, 'x' AS s";
        expect((await ask(at(), `${query} FORMAT ${format}`)).text).toBe(text);
        const byDefault = await ask(at(), { query, settings: { default_format: format } });
        expect(byDefault.text).toBe(text);
        expect(byDefault.headers.get('x-clickhouse-format')).toBe(format);
      });

      it('writes formats of one document whole, however many blocks the result has', async () => {
        const query = 'SELECT number AS n FROM numbers(200000)';
        const json = JSON.parse(await must(at(), `${query} FORMAT JSON`)) as { rows: number };
        expect(json.rows).toBe(200_000);
        const parquet = Buffer.from(
          await (await open(at(), { query: `${query} FORMAT Parquet` })).arrayBuffer(),
        );
        expect([parquet.subarray(0, 4).toString(), parquet.subarray(-4).toString()]).toEqual([
          'PAR1',
          'PAR1',
        ]);
      });

      it('accepts FORMAT before and after SETTINGS, a semicolon, comments, and the word in a column', async () => {
        const asked = [
          'SELECT 1 AS a FORMAT JSONEachRow SETTINGS max_threads = 1',
          'SELECT 1 AS a SETTINGS max_threads = 1 FORMAT JSONEachRow',
          'SELECT 1 AS a -- FORMAT CSV\nFORMAT JSONEachRow;',
          '/* FORMAT CSV */ SELECT 1 AS a FORMAT JSONEachRow -- the end',
          "WITH 'FORMAT CSV' AS format SELECT 1 AS a FORMAT JSONEachRow",
          '(SELECT 1 AS a) FORMAT JSONEachRow',
        ];
        const answers = await Promise.all(asked.map((query) => must(at(), query)));
        expect(answers).toEqual(asked.map(() => '{"a":1}'));
        expect(await must(at(), 'SELECT 1 AS format')).toBe('1');
      });

      it('joins a query in the URL with one in the body', async () => {
        expect(await must(at(), { query: 'SELECT 1', body: '+ 1' })).toBe('2');
      });

      it('answers a GET, which may only read', async () => {
        expect(await must(at(), { query: 'SELECT 1', method: 'GET' })).toBe('1');
        const writes = await ask(at(), {
          query: `CREATE TABLE ${database}.never (a UInt8) ENGINE = Memory`,
          method: 'GET',
        });
        expect(writes.code).toBe(164);
      });

      it('compresses on request', async () => {
        const settings = { enable_http_compression: 1 };
        const query = "SELECT repeat('x', 100000)";
        const answer = await ask(at(), { query, settings, headers: { 'Accept-Encoding': 'gzip' } });
        expect(answer.headers.get('content-encoding')).toBe('gzip');
        expect(answer.text).toBe(`${'x'.repeat(100_000)}\n`);
      });
    });

    describe('parameters', () => {
      it.each([
        ["'; DROP TABLE students; --"],
        ['back\\slash \\n \\\\ \\'],
        ['line\nbreak\ttab\rreturn'],
        ['"double" `back` \'single\''],
        ['ünïcödé 🐎 \u2028 \u0000 nul'],
        ['{x:String}'],
        ['\\N'],
        [''],
      ])('binds %j as the value it is', async (text) => {
        const answer = await must(at(), {
          query: 'SELECT {text:String} AS text, length({text:String}) AS bytes FORMAT JSONEachRow',
          params: { text: escaped(text) },
          settings: { output_format_json_quote_64bit_integers: 0 },
        });
        expect(JSON.parse(answer)).toEqual({ text, bytes: Buffer.byteLength(text) });
      });

      it('binds any text as the value it is', async () => {
        await fc.assert(
          fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 40 }), async (text) => {
            const query = 'SELECT {text:String} AS text FORMAT JSONEachRow';
            const answer = await must(at(), { query, params: { text: escaped(text) } });
            expect(JSON.parse(answer)).toEqual({ text });
          }),
          { numRuns: 40 },
        );
      });

      it('binds arrays, maps, NULL and identifiers', async () => {
        const name = await table('a UInt8');
        const answer = await must(at(), {
          query:
            'SELECT {list:Array(String)}, {map:Map(String, UInt8)}, {none:Nullable(String)} IS NULL, count() FROM {database:Identifier}.{name:Identifier}',
          params: {
            list: "['it\\'s', 'b']",
            map: "{'k': 1}",
            none: '\\N',
            database,
            name: name.slice(database.length + 1),
          },
        });
        expect(answer).toBe("['it\\'s','b']\t{'k':1}\t1\t0");
      });

      it('refuses a missing and a malformed parameter', async () => {
        // The first request must not leave its parameter to the second.
        await must(at(), { query: 'SELECT {n:UInt8}', params: { n: '1' } });
        expect((await ask(at(), 'SELECT {n:UInt8}')).code).toBe(456);
        expect((await ask(at(), { query: 'SELECT {n:UInt8}', params: { n: 'x' } })).code).toBe(457);
      });
    });

    describe('settings', () => {
      const threads = "SELECT getSetting('max_threads')";

      it('belong to their request alone', async () => {
        const before = await must(at(), threads);
        expect(await must(at(), { query: threads, settings: { max_threads: 13 } })).toBe('13');
        await must(at(), `${threads} SETTINGS max_threads = 17`);
        await ask(at(), { query: 'SELECT nonsense(1)', settings: { max_threads: 19 } });
        expect(await must(at(), threads)).toBe(before);
      });

      it('do not meet in concurrent requests', async () => {
        const asked = Array.from({ length: 60 }, (_, index) => String(20 + index));
        const got = await Promise.all(
          asked.map((value) => must(at(), { query: threads, settings: { max_threads: value } })),
        );
        expect(got).toEqual(asked);
      });

      it('include the database', async () => {
        const name = (await table('a UInt8')).slice(database.length + 1);
        expect(await must(at(), { query: `SELECT count() FROM ${name}`, database })).toBe('0');
        expect((await ask(at(), `SELECT count() FROM ${name}`)).code).toBe(60);
      });

      it('are refused when unknown', async () => {
        const answer = await ask(at(), { query: 'SELECT 1', settings: { no_such_setting: 1 } });
        expect([answer.status, answer.code]).toEqual([404, 115]);
      });

      it('end a query at its deadline', async () => {
        const answer = await ask(at(), {
          query: 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)',
          settings: { max_execution_time: 1 },
        });
        expect(answer.code).toBe(159);
      });
    });

    describe('exceptions', () => {
      it.each([
        ['SELEC 1', 400, 62, 'SYNTAX_ERROR'],
        ['SELECT (1', 400, 62, 'SYNTAX_ERROR'],
        ['SELECT 1; SELECT 2', 400, 62, 'SYNTAX_ERROR'],
        ['SELECT * FROM no_such_table', 404, 60, 'UNKNOWN_TABLE'],
        ['SELECT * FROM no_such_database.t', 404, 81, 'UNKNOWN_DATABASE'],
        ['SELECT no_such_column', 404, 47, 'UNKNOWN_IDENTIFIER'],
        ['SELECT no_such_function()', 404, 46, 'UNKNOWN_FUNCTION'],
        ['SELECT 1 FORMAT NoSuchFormat', 404, 73, 'UNKNOWN_FORMAT'],
        ["SELECT toUInt8('x')", 400, 6, 'CANNOT_PARSE_TEXT'],
        ["SELECT throwIf(1, 'OUT')", 500, 395, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
      ])('%s: status %i, code %i', async (query, status, code, type) => {
        const answer = await ask(at(), query);
        expect([answer.status, answer.code]).toEqual([status, code]);
        expect(answer.text).toMatch(
          new RegExp(
            `^Code: ${code}\\. DB::Exception: (?!Code:).*\\(${type}\\) \\(version .*\\)\\s*$`,
            's',
          ),
        );
        expect(answer.text).not.toContain('OUTFILE');
      });

      it('refuses a wrong password, and mixed ways to give one', async () => {
        const wrong = await ask({ ...at(), password: 'wrong' }, 'SELECT 1');
        expect([wrong.status, wrong.code]).toEqual([403, 516]);
        const basic = `Basic ${Buffer.from(`${at().user}:${at().password}`).toString('base64')}`;
        const mixed = await ask(at(), { query: 'SELECT 1', headers: { Authorization: basic } });
        expect(mixed.code).toBe(516);
      });

      it('that come early have their own status, whatever the format', async () => {
        const query = 'SELECT throwIf(number = 5000) FROM numbers(10000)';
        for (const format of ['JSON', 'JSONEachRow', 'Parquet']) {
          expect((await ask(at(), `${query} FORMAT ${format}`)).code).toBe(395);
        }
      });

      it('that come late break the stream off, and stand at its end under the announced tag', async () => {
        const response = await open(at(), {
          query: "SELECT repeat('x', 100), throwIf(number = 500000) FROM numbers(1000000)",
        });
        expect(response.status).toBe(200);
        const { bytes, end, broken } = await drain(response);
        expect(bytes).toBeGreaterThan(1_000_000);
        expect(broken).toBe(true);
        const tag = response.headers.get('x-clickhouse-exception-tag');
        expect(end).toContain(`\r\n__exception__\r\n${tag}\r\nCode: 395. DB::Exception: `);
        expect(end).toMatch(new RegExp(`\\n\\d+ ${tag}\\r\\n__exception__\\r\\n$`));
      });

      it('come before any row when the client waits for the end', async () => {
        const query = 'SELECT throwIf(number = 5000000) FROM numbers(10000000)';
        const settings = { wait_end_of_query: 1 };
        expect((await ask(at(), { query, settings })).status).toBe(500);
        const fine = 'SELECT number FROM numbers(100000)';
        expect((await must(at(), { query: fine, settings })).length).toBe(588_889);
      });
    });

    describe('inserts', () => {
      const rows = '{"a":1,"b":"x"}\n{"a":2,"b":"y\\u00e9"}\n{"a":3,"b":"z"}\n';

      it.each([
        ['plain', rows, undefined],
        ['gzip', gzipSync(rows), 'gzip'],
        ['br', brotliCompressSync(rows), 'br'],
      ] as const)('take rows from a %s body, and count them', async (_, body, encoding) => {
        const name = await table('a UInt8, b String');
        const answer = await ask(at(), {
          query: `INSERT INTO ${name} (a, b) FORMAT JSONEachRow`,
          body,
          ...(encoding && { encoding }),
        });
        expect([answer.status, answer.text]).toEqual([200, '']);
        expect(answer.summary['written_rows']).toBe('3');
        expect(await must(at(), `SELECT a, b FROM ${name} ORDER BY a`)).toBe('1\tx\n2\tyé\n3\tz');
      });

      it('take rows behind the statement in one body', async () => {
        const name = await table('a UInt8, b String');
        const values = await ask(
          at(),
          `INSERT INTO ${name} (a, b) VALUES (1, 'it''s'), (2, '\\n;')`,
        );
        expect(values.summary['written_rows']).toBe('2');
        await must(at(), `INSERT INTO ${name} (b, a) FORMAT TSV\nx\t3\ny\t4\n`);
        await must(at(), `INSERT INTO ${name} SETTINGS async_insert = 0 FORMAT CSV\n5,"z"\n`);
        await must(at(), `INSERT INTO ${name} (a, b) SELECT 6, 'six'`);
        expect(
          await must(at(), `SELECT groupArray((a, b)) FROM (SELECT * FROM ${name} ORDER BY a)`),
        ).toBe("[(1,'it\\'s'),(2,'\\n;'),(3,'x'),(4,'y'),(5,'z'),(6,'six')]");
      });

      it('take rows from the URL, and from URL and body together', async () => {
        const name = await table('a UInt8');
        await must(at(), { query: `INSERT INTO ${name} VALUES (1)`, body: '' });
        await must(at(), { query: `INSERT INTO ${name} FORMAT CSV 2`, body: '3\n' });
        expect(
          await must(at(), `SELECT groupArray(a) FROM (SELECT a FROM ${name} ORDER BY a)`),
        ).toBe('[1,2,3]');
      });

      it('store nothing of an empty body, and nothing of a corrupt one', async () => {
        const name = await table('a UInt8, b String');
        const query = `INSERT INTO ${name} FORMAT JSONEachRow`;
        expect((await ask(at(), { query, body: '' })).status).toBe(200);
        const cut = gzipSync(rows).subarray(0, 30);
        expect((await ask(at(), { query, body: cut, encoding: 'gzip' })).status).not.toBe(200);
        expect(await count(name)).toBe('0');
      });

      it('store nothing of a body that breaks off', async () => {
        const name = await table('a UInt8, b String');
        await breakOff(at(), `INSERT INTO ${name} FORMAT JSONEachRow`, rows);
        // The server notices before it answers a request that was sent later.
        expect(await count(name)).toBe('0');
      });

      it('name the row that does not parse (R-DLV-02)', async () => {
        const name = await table('a UInt8, b String');
        const answer = await ask(at(), {
          query: `INSERT INTO ${name} FORMAT JSONEachRow`,
          body: `${rows}{"a":"four","b":"x"}\n${rows}`,
          settings: { input_format_parallel_parsing: 0 },
        });
        expect(answer.text).toContain('(at row 4)');
        expect(await count(name)).toBe('0');
      });

      it.each([
        ['a duplicate key', '{"a":1,"a":2}'],
        ['an unknown key', '{"a":1,"c":2}'],
      ])('refuse %s (R-DLV-02)', async (_, body) => {
        const name = await table('a UInt8, b String');
        const answer = await ask(at(), {
          query: `INSERT INTO ${name} FORMAT JSONEachRow`,
          body,
          settings: { input_format_skip_unknown_fields: 0 },
        });
        expect([answer.status, answer.code]).toEqual([400, 117]);
      });

      it('name the constraint and the row that violates it (R-DLV-02)', async () => {
        const name = await table('a UInt8, CONSTRAINT small CHECK a < 5');
        const answer = await ask(at(), {
          query: `INSERT INTO ${name} FORMAT JSONEachRow`,
          body: '{"a":1}\n{"a":2}\n{"a":9}\n{"a":9}\n',
        });
        expect(answer.code).toBe(469);
        expect(answer.text).toContain('`small`');
        expect(answer.text).toContain('violated at row 3');
        expect(await count(name)).toBe('0');
      });

      it('are one block under the pinned settings: all rows or none (R-DLV-01)', async () => {
        const name = await table(
          'a UInt32, CONSTRAINT small CHECK a < 149999',
          'PARTITION BY a % 4',
        );
        const body = (bad: boolean): string =>
          Array.from({ length: 150_000 }, (_, i) => `{"a":${bad ? i : i % 1000}}`).join('\n');
        const insert = (bad: boolean) =>
          ask(at(), {
            query: `INSERT INTO ${name} FORMAT JSONEachRow`,
            body: body(bad),
            settings: ONE_BLOCK,
          });
        expect((await insert(true)).code).toBe(469);
        expect(await count(name)).toBe('0');
        expect((await insert(false)).summary['written_rows']).toBe('150000');
        const blocks = await must(at(), {
          query:
            "SELECT max(n) FROM (SELECT count() AS n FROM system.parts WHERE database || '.' || table = {name:String} AND level = 0 GROUP BY partition)",
          params: { name },
        });
        expect(Number(blocks)).toBeLessThanOrEqual(1);
      });

      it('with a token are stored once, whatever the rows are the second time (R-DLV-01)', async () => {
        const name = await table('a UInt8', 'SETTINGS non_replicated_deduplication_window = 100');
        const insert = (token: string, body: string) =>
          must(at(), {
            query: `INSERT INTO ${name} FORMAT JSONEachRow`,
            body,
            settings: { insert_deduplication_token: token, async_insert: 0 },
          });
        await insert('range/0-1', '{"a":1}\n{"a":2}');
        await insert('range/0-1', '{"a":1}\n{"a":2}');
        await insert('range/2-3', '{"a":1}\n{"a":2}');
        expect(await count(name)).toBe('4');
      });

      it('through a SELECT keep token, defaults and named rows, and can be counted before they are written (R-DLV-01, R-DLV-02)', async () => {
        const name = await table(
          "a UInt8, b LowCardinality(String) DEFAULT 'none', c UInt8, CONSTRAINT small CHECK a < 5",
          'SETTINGS non_replicated_deduplication_window = 100',
        );
        const insert = (token: string, body: string, sent: number) =>
          ask(at(), {
            query: `INSERT INTO ${name} (a, b, c) SELECT a, b, 7 FROM input('a UInt8, b String DEFAULT \\'none\\'')
              WHERE throwIf(blockSize() != ${sent}, 'OTHER_ROWS', toInt16(117)) = 0 FORMAT JSONEachRow`,
            body,
            settings: {
              ...ONE_BLOCK,
              max_block_size: 1_048_576,
              input_format_skip_unknown_fields: 0,
              allow_custom_error_code_in_throwif: 1,
              deduplicate_insert_select: 'enable_even_for_bad_queries',
              insert_deduplication_token: token,
            },
          });
        const two = '{"a":1,"b":"x"}\n{"a":2}\n';
        expect((await insert('t1', two, 2)).status).toBe(200);
        expect((await insert('t1', two, 2)).status).toBe(200);
        expect((await insert('t2', two, 3)).code).toBe(117);
        expect((await insert('t3', `${two}{"a":3}`, 2)).code).toBe(117);
        const unknown = await insert('t4', `${two}{"a":1,"c":1}`, 3);
        expect([unknown.code, unknown.text.includes('(at row 3)')]).toEqual([117, true]);
        const violated = await insert('t5', `${two}{"a":9}`, 3);
        expect([violated.code, violated.text.includes('violated at row 3')]).toEqual([469, true]);
        expect(await must(at(), `SELECT groupArray((a, b, c)) FROM ${name}`)).toBe(
          "[(1,'x',7),(2,'none',7)]",
        );
      });

      it('store nothing of a body that breaks off within a SELECT', async () => {
        const name = await table('a UInt8, b String');
        await breakOff(
          at(),
          `INSERT INTO ${name} SELECT * FROM input('a UInt8, b String') FORMAT JSONEachRow`,
          rows,
        );
        expect(await count(name)).toBe('0');
      });

      it('are refused once the lease in their rows is over (R-DLV-01)', async () => {
        const name = await table(
          "a UInt8, lease UInt32 EPHEMERAL 4294967295, at DateTime64(3, 'UTC') DEFAULT now64(3) + toIntervalSecond(throwIf(now() > toDateTime(lease), 'LEASE_EXPIRED'))",
        );
        const insert = (lease: number) =>
          ask(at(), {
            query: `INSERT INTO ${name} (a, lease) FORMAT JSONEachRow`,
            body: `{"a":1,"lease":${lease}}`,
          });
        const now = Math.floor(Date.now() / 1000);
        expect((await insert(now + 60)).status).toBe(200);
        const late = await insert(now - 60);
        expect(late.code).toBe(395);
        expect(late.text).toContain('LEASE_EXPIRED');
        expect(await count(name)).toBe('1');
      });

      it('and queries run beside each other', async () => {
        const name = await table('a UInt32');
        const answers = await Promise.all(
          Array.from({ length: 40 }, (_, i) =>
            i % 2 === 0
              ? must(at(), { query: `INSERT INTO ${name} FORMAT JSONEachRow`, body: `{"a":${i}}` })
              : must(at(), { query: 'SELECT {i:UInt32} * 2', params: { i: String(i) } }),
          ),
        );
        expect(answers).toEqual(answers.map((_, i) => (i % 2 === 0 ? '' : String(i * 2))));
        expect(await count(name)).toBe('20');
      });
    });

    describe('large results', () => {
      it('arrive whole', async () => {
        const { bytes, broken } = await drain(
          await open(at(), {
            query: "SELECT repeat('x', 99) FROM numbers(1000000)",
          }),
        );
        expect([bytes, broken]).toEqual([100_000_000, false]);
      });

      it('end with their client: an abandoned query is cancelled', async () => {
        const mark = randomName('abandoned');
        const stop = new AbortController();
        const response = await open(at(), {
          query: `SELECT '${mark}', number FROM numbers(1000000000000)`,
          signal: stop.signal,
        });
        await response.body?.getReader().read();
        stop.abort();
        await expect
          .poll(
            () =>
              must(at(), {
                query:
                  "SELECT count() FROM system.processes WHERE query LIKE '%' || {mark:String} || '%' AND query NOT LIKE '%system.processes%'",
                params: { mark },
              }),
            { timeout: 15_000, interval: 100 },
          )
          .toBe('0');
      });
    });
  });
}

/** What makes an insert one block, and so one unit of success, failure and deduplication. */
const ONE_BLOCK = {
  async_insert: 0,
  input_format_parallel_parsing: 0,
  max_insert_block_size: 1_048_576,
  min_insert_block_size_rows: 1_048_576,
  min_insert_block_size_bytes: 268_435_456,
};

/** Announces a body longer than the one it sends, and goes away in the middle. */
async function breakOff(target: ClickHouseTarget, query: string, body: string): Promise<void> {
  const url = new URL(target.url);
  url.searchParams.set('query', query);
  const sent = request(url, {
    method: 'POST',
    headers: {
      'X-ClickHouse-User': target.user,
      'X-ClickHouse-Key': target.password,
      'Content-Length': body.length * 2,
    },
  });
  await new Promise<void>((resolve) => {
    sent.on('error', () => undefined);
    sent.once('close', resolve);
    sent.write(body, () => sent.destroy());
  });
}

async function drain(response: Response): Promise<{ bytes: number; end: string; broken: boolean }> {
  let bytes = 0;
  let end = Buffer.alloc(0);
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      end = Buffer.concat([end, chunk]).subarray(-1000);
    }
    return { bytes, end: end.toString(), broken: false };
  } catch {
    return { bytes, end: end.toString(), broken: true };
  }
}
