import { JsonWriter, TRUNCATED } from './json-writer.ts';
import { FULL, type FreeField, type Limits } from './message-limits.ts';

/** A value that found no column is kept as an attribute of at most this many characters. */
const MAX_ASIDE_LENGTH = 1024;

/** Writes one event's row: under which limits, what was cut, what goes to the attributes. */
export class RowWriter extends JsonWriter {
  limits: Limits = FULL;
  /** Bytes each free field took, for those who must cut. */
  readonly sizes: Record<FreeField, number> = {
    execution: 0,
    data: 0,
    changes: 0,
    related: 0,
    message: 0,
    attributes: 0,
  };
  /** Columns that were cut, with the bytes each had; made when the first is. */
  cuts: Record<string, number> | undefined = undefined;
  /** Attributes that the encoder itself adds; made when the first is. */
  aside: Record<string, string> | undefined = undefined;
  #originals: Readonly<Record<string, number>> | undefined = undefined;

  /** `originals`: sizes known from an earlier writing under wider limits. */
  begin(limits: Limits, originals?: Readonly<Record<string, number>>): void {
    this.restart();
    this.limits = limits;
    this.cuts = undefined;
    this.aside = undefined;
    this.#originals = originals;
  }

  noteCut(column: string, bytes: number): void {
    this.cuts ??= {};
    this.cuts[column] = Math.max(bytes, this.cuts[column] ?? 0, this.#originals?.[column] ?? 0);
  }

  keepAside(attribute: string, value: unknown): void {
    const text = textOf(value).slice(0, MAX_ASIDE_LENGTH);
    if (text === '') return;
    this.aside ??= {};
    this.aside[attribute] = text;
  }

  /** Key and value of a short text, cut to its limit; false, and nothing written, where there is none. */
  text(column: string, key: Uint8Array, value: unknown, limit: number): boolean {
    const text = typeof value === 'string' ? value : textOf(value);
    if (text === '') return false;
    this.prepared(key);
    if (text.length <= limit) this.quoted(text);
    else {
      this.noteCut(column, Buffer.byteLength(text));
      this.quoted(text.slice(0, Math.max(0, limit - TRUNCATED.length)) + TRUNCATED);
    }
    return true;
  }
}

/** Text of what should be text: strings as they are, nothing for nothing, JSON for anything else. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'bigint') return value.toString();
  const writer = new JsonWriter();
  writer.open(MAX_ASIDE_LENGTH);
  return writer.value(value) ? writer.copy().toString() : '';
}
