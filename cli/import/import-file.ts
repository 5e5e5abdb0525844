import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LedgerlineError } from '../../schemas/index.ts';
import { readJson } from '../json-text.ts';
import type { Publishing } from '../publishing.ts';
import type { InputFile } from './input-files.ts';
import { isObject } from './json.ts';
import type { LogReader } from './log-reader.ts';
import { recordTexts } from './record-texts.ts';

const READ_BYTES = 256 * 1024;

export interface FileImport {
  readonly file: InputFile;
  readonly reader: LogReader;
  /** For events whose record names none. */
  readonly tenant: string | undefined;
  readonly publishing: Publishing;
  readonly signal: AbortSignal;
  /** `index`: the record's place in the file, from 1; none: the file itself is at fault. */
  readonly onBad: (path: string, index: number | undefined, reason: string) => void;
  readonly onBytes: (bytes: number) => void;
}

export interface FileResult {
  /** Without those that were passed over. */
  readonly records: number;
  /** Records that are no events. */
  readonly skipped: number;
}

/** Maps and publishes every record of one file. Bad ones are told and the rest goes on. */
export async function importFile(given: FileImport): Promise<FileResult> {
  const { file, reader, tenant, publishing, signal, onBad } = given;
  let records = 0;
  let skipped = 0;
  const importRecord = async (record: unknown, index: number): Promise<void> => {
    const mapped = reader.read(record, tenant);
    if ('skipped' in mapped) {
      skipped += 1;
      return;
    }
    records += 1;
    if ('fault' in mapped) {
      onBad(file.path, index, mapped.fault);
      return;
    }
    try {
      await publishing.publish(mapped.event, `${file.path}, record ${index}`, true);
    } catch (error) {
      if (!(error instanceof LedgerlineError && error.code === 'EVENT_INVALID')) throw error;
      onBad(file.path, index, error.message);
    }
  };
  const bytes = openFile(file, given.onBytes, signal);
  try {
    for await (const text of recordTexts(bytes)) {
      if (signal.aborted) break;
      if ('fault' in text) {
        records += 1;
        onBad(file.path, text.index, text.fault);
        continue;
      }
      const read = readJson(text.bytes);
      if (!read.ok) {
        records += 1;
        onBad(file.path, text.index, read.reason);
        continue;
      }
      const list = isObject(read.value) ? read.value[reader.list] : undefined;
      if (Array.isArray(list)) {
        let index = 0;
        for (const record of list) await importRecord(record, (index += 1));
      } else {
        await importRecord(read.value, text.index);
      }
    }
  } catch (error) {
    const reason = fileFault(error);
    if (reason === undefined) throw error;
    if (!signal.aborted) onBad(file.path, undefined, reason);
  } finally {
    bytes.destroy();
  }
  return { records, skipped };
}

function openFile(
  { path }: InputFile,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Readable {
  const raw = createReadStream(path, { highWaterMark: READ_BYTES, signal });
  async function* heard(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      onBytes(chunk.length);
      yield chunk;
    }
  }
  // Faults reach the reader through the stream that is returned.
  return path.endsWith('.gz')
    ? pipeline(raw, heard, createGunzip(), () => undefined)
    : Readable.from(heard(raw), { objectMode: false });
}

/** A file's own fault by its system or zlib code; `undefined` for anything else. */
function fileFault(error: unknown): string | undefined {
  if (error instanceof LedgerlineError || !(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_')) return 'is not gzip, or is cut off';
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read: no permission';
  return /^E[A-Z]+$|^ERR_STREAM/.test(code) ? `cannot be read (${code})` : undefined;
}
