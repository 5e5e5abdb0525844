import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LedgerlineError } from '../../schemas/index.ts';
import { readJson } from '../json-text.ts';
import type { Publishing } from '../publishing.ts';
import { mapCloudTrailRecord } from './cloudtrail/event.ts';
import { isObject } from './cloudtrail/json.ts';
import type { InputFile } from './input-files.ts';
import { recordTexts } from './record-texts.ts';

const READ_BYTES = 256 * 1024;

export interface FileImport {
  readonly file: InputFile;
  readonly publishing: Publishing;
  readonly signal: AbortSignal;
  /** `index`: the record's place in the file, from 1; none: the file itself is at fault. */
  readonly onBad: (path: string, index: number | undefined, reason: string) => void;
  readonly onBytes: (bytes: number) => void;
}

/** Maps and publishes every record of one file. Bad ones are told and the rest goes on. */
export async function importFile(given: FileImport): Promise<{ records: number }> {
  const { file, publishing, signal, onBad } = given;
  let records = 0;
  const importRecord = async (record: unknown, index: number): Promise<void> => {
    records += 1;
    const mapped = mapCloudTrailRecord(record);
    if (!mapped.ok) {
      onBad(file.path, index, mapped.reason);
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
      } else if (isObject(read.value) && Array.isArray(read.value['Records'])) {
        let index = 0;
        for (const record of read.value['Records']) await importRecord(record, (index += 1));
      } else if (!isDigest(read.value)) {
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
  return { records };
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

/** Log buckets hold signed digests of their files beside them; they are no events. */
const isDigest = (value: unknown): boolean =>
  isObject(value) && 'digestStartTime' in value && 'logFiles' in value;
