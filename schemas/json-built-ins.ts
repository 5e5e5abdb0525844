import type { JsonWriter } from './json-writer.ts';

/** Objects whose contents are not their enumerable properties; false for any other. */
export function writeBuiltIn(writer: JsonWriter, value: object): boolean {
  if (value instanceof Date) writer.marker(dateText(value));
  else if (ArrayBuffer.isView(value)) {
    writeBytes(writer, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  } else if (value instanceof ArrayBuffer) writeBytes(writer, Buffer.from(value));
  else if (value instanceof Map) writeMap(writer, value);
  else if (value instanceof Set) writeItems(writer, Set.prototype.values.call(value));
  else if (value instanceof Error) writer.members(value, ['name', 'message', 'code', 'cause']);
  else if (value instanceof RegExp) writer.string(String(value));
  else if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    writer.value(value.valueOf());
  } else return false;
  return true;
}

function dateText(date: Date): string {
  const ms = Date.prototype.getTime.call(date);
  return Number.isNaN(ms) ? '[invalid date]' : new Date(ms).toISOString();
}

/** As much as there is room for, and three quarters of it, since base64 takes four for three. */
function writeBytes(writer: JsonWriter, bytes: Buffer): void {
  const fits = Math.max(0, Math.floor((writer.end - writer.at) / 4) * 3);
  if (bytes.length > fits) {
    writer.cut = true;
    writer.lostBytes += Math.ceil((bytes.length - fits) / 3) * 4;
  }
  writer.quoted(
    `base64:${bytes.toString('base64', 0, fits)}${bytes.length > fits ? '[truncated]' : ''}`,
  );
}

/** A Map with text keys is an object to everyone who reads it; any other is a list of pairs. */
function writeMap(writer: JsonWriter, map: Map<unknown, unknown>): void {
  for (const key of Map.prototype.keys.call(map)) {
    if (typeof key !== 'string') return writeItems(writer, Map.prototype.entries.call(map));
  }
  writer.ascii('{');
  const first = writer.at;
  for (const [key, value] of Map.prototype.entries.call(map)) {
    if (writer.isFull()) {
      writer.cut = true;
      break;
    }
    writer.entry(first, String(key), value);
  }
  writer.ascii('}');
}

/** What an iterator of the engine's own gives, as far as there is room. */
function writeItems(writer: JsonWriter, items: Iterable<unknown>): void {
  const list: unknown[] = [];
  const most = Math.max(0, writer.end - writer.at);
  for (const item of items) {
    list.push(item);
    if (list.length > most) break;
  }
  writer.list(list, list.length);
}
