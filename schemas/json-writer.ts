import { ByteWriter } from './byte-writer.ts';
import { writeBuiltIn } from './json-built-ins.ts';

/** Deeper nesting is cut: no reader of an audit trail follows it, and recursion has an end. */
const MAX_DEPTH = 64;

const CIRCULAR = '[circular]';
export const TRUNCATED = '[truncated]';
const THREW = '[threw]';

/**
 * Writes any value as JSON that always parses, whatever the value is or does: it never throws,
 * never hangs in a cycle, and never walks much further than its room. docs/event.md has the table
 * of what becomes what.
 */
export class JsonWriter extends ByteWriter {
  /** Where the room of the field being written ends. */
  end = 0;
  /** Something of the field was left out. */
  cut = false;
  /** Bytes known to be left out of the field. */
  lostBytes = 0;
  /** Steps that write nothing (members without a value) take from here, so that they end too. */
  idleSteps = 0;
  readonly ancestors: object[] = [];

  /** Begins a field that may have so many bytes, give or take one escaped string. */
  open(room: number): void {
    this.end = this.at + room;
    this.cut = false;
    this.lostBytes = 0;
    this.idleSteps = MAX_IDLE_STEPS;
    this.ancestors.length = 0;
  }

  isFull(): boolean {
    return this.at >= this.end || this.idleSteps < 0;
  }

  /** Writes the value; false, and nothing written, where there is none (undefined, a function, a symbol). */
  value(value: unknown): boolean {
    switch (typeof value) {
      case 'string':
        this.string(value);
        return true;
      case 'number':
        // NaN and the infinities have no JSON number; as null they would be taken for an absence.
        this.ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
        return true;
      case 'boolean':
        this.ascii(value ? 'true' : 'false');
        return true;
      case 'bigint':
        // JSON numbers beyond 2^53 are rounded by most readers, and an id must not be.
        this.string(value.toString());
        return true;
      case 'object':
        if (value === null) this.ascii('null');
        else this.object(value);
        return true;
      case 'undefined':
      case 'function':
      case 'symbol':
        return false;
    }
  }

  /** A string, cut to the room there is. */
  string(text: string): void {
    const room = this.end - this.at;
    if (text.length <= room) return this.quoted(text);
    const kept = text.slice(0, Math.max(0, room));
    this.cut = true;
    this.lostBytes += Buffer.byteLength(text) - Buffer.byteLength(kept);
    this.quoted(kept + TRUNCATED);
    this.end = Math.min(this.end, this.at);
  }

  marker(text: string): void {
    this.ascii(`"${text}"`);
  }

  object(value: object): void {
    const { ancestors } = this;
    if (ancestors.includes(value)) return this.marker(CIRCULAR);
    if (ancestors.length >= MAX_DEPTH || this.isFull()) {
      this.cut = true;
      return this.marker(TRUNCATED);
    }
    const start = this.at;
    const depth = ancestors.push(value);
    try {
      if (Array.isArray(value)) this.list(value, value.length);
      else this.#record(value);
    } catch {
      // A proxy's trap, a revoked proxy, a toJSON that throws.
      this.at = start;
      this.marker(THREW);
      this.idleSteps--;
    } finally {
      ancestors.length = depth - 1;
    }
  }

  list(list: object, length: number): void {
    this.ascii('[');
    for (let index = 0; index < length; index++) {
      if (index > 0) this.ascii(',');
      if (this.isFull()) {
        this.cut = true;
        this.marker(TRUNCATED);
        break;
      }
      if (!this.#member(read(list, index))) this.ascii('null');
    }
    this.ascii(']');
  }

  members(object: object, keys: readonly string[]): void {
    this.ascii('{');
    const first = this.at;
    for (const key of keys) {
      if (this.isFull()) {
        this.cut = true;
        break;
      }
      this.entry(first, key, read(object, key));
    }
    this.ascii('}');
  }

  /** One `"key":value` of an object whose members begin at `first`; nothing where there is no value. */
  entry(first: number, key: string, value: unknown): void {
    const start = this.at;
    if (start > first) this.ascii(',');
    this.string(key);
    this.ascii(':');
    if (this.#member(value)) return;
    this.at = start;
    this.idleSteps--;
  }

  #member(value: unknown): boolean {
    if (value !== UNREADABLE) return this.value(value);
    this.marker(THREW);
    return true;
  }

  #record(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    const isPlain = prototype === Object.prototype || prototype === null;
    if (!isPlain && writeBuiltIn(this, value)) return;
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') this.#replacement(value, toJSON.call(value, ''));
    else this.members(value, Object.keys(value));
  }

  /** toJSON is asked once, as JSON.stringify does: its answer's own toJSON is not. */
  #replacement(value: object, answer: unknown): void {
    if (typeof answer !== 'object' || answer === null) {
      if (!this.value(answer)) this.ascii('null');
    } else if (answer !== value && this.ancestors.includes(answer)) this.marker(CIRCULAR);
    else if (Array.isArray(answer)) this.list(answer, answer.length);
    else if (!writeBuiltIn(this, answer)) this.members(answer, Object.keys(answer));
  }
}

/** So many members without a value, or objects that throw, end the walk of a field. */
const MAX_IDLE_STEPS = 100_000;

/** One throwing getter costs its own field, not its object. */
const UNREADABLE = Symbol('unreadable');
function read(object: object, key: string | number): unknown {
  try {
    return (object as Record<string | number, unknown>)[key];
  } catch {
    return UNREADABLE;
  }
}
