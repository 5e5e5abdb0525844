import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { UsageError } from '../failure.ts';
import { ENGINE_FORMATS, type Format } from '../query/formats.ts';
import { boundParameters } from '../query/parameters.ts';
import { drawTable, footer } from '../query/table.ts';
import { onRecord } from '../read-record.ts';
import { safeLines } from '../safe-text.ts';
import { asideColours, print, say } from '../terminal.ts';

const MAX_SQL_BYTES = 1024 * 1024;

export interface QueryOptions {
  readonly param: Readonly<Record<string, string>>;
  readonly format: Format;
  readonly json?: true;
  readonly timeout: number;
}

export async function runQuery(sql: string, options: QueryOptions): Promise<void> {
  await query(sql, options);
}

async function query(given: string, options: QueryOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const sql = statementOf(given === '-' ? await readStdin() : given);
  const params = boundParameters(sql, options.param);
  const shape = options.json ? 'json' : options.format;
  const { format, settings } = ENGINE_FORMATS[shape];
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    await onRecord(environment, { query: sql, language: 'sql' }, async () => {
      const answer = await clickhouse.stream(sql, {
        format,
        params,
        // The engine itself refuses whatever is no read; settings of the statement's own are allowed.
        settings: { ...settings, readonly: 2 },
        timeoutMs: options.timeout * 1000,
      });
      if (shape === 'table') await printTable(answer);
      else await pass(answer);
    });
  });
}

async function printTable(answer: Readable): Promise<void> {
  const shown = await drawTable(answer);
  answer.destroy();
  if (shown.text !== '') print(shown.text);
  say(asideColours.dim(footer(shown)));
}

/** To stdout at its reader's pace: as it is to a program, and so that it does nothing to a terminal. */
async function pass(answer: Readable): Promise<void> {
  const text = process.stdout.isTTY ? new StringDecoder('utf8') : undefined;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const shown = text ? safeLines(text.write(chunk)) : chunk;
    if (!process.stdout.write(shown)) await once(process.stdout, 'drain');
  }
}

/** The engine is told the format behind the statement, where a semicolon would end it. */
function statementOf(text: string): string {
  const sql = text.trim().replace(/(?:\s*;)+$/, '');
  if (sql === '') throw new UsageError('The statement is empty.', 'Give one SELECT.');
  return sql;
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_SQL_BYTES) {
      throw new UsageError('The statement on stdin is larger than 1 MiB.', 'Give one SELECT.');
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
