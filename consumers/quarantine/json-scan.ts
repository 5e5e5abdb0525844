/**
 * Where a text stops being JSON, and where the value of a path stands in it: what JSON.parse does not
 * tell, and a person who has to repair a message wants to see. Takes what JSON.parse takes
 * (https://www.rfc-editor.org/rfc/rfc8259), down to the depth that the worker reads.
 */

export interface JsonFault {
  /** Index of the first character that cannot stand there; the text's length where it ends too early. */
  readonly at: number;
  readonly problem: string;
}

/** A value that has been read: its path from the root, and its place. `key` is where its key begins. */
export interface JsonValue {
  readonly path: readonly (string | number)[];
  readonly key: number | undefined;
  readonly start: number;
  readonly end: number;
}

/** Deeper messages are refused by the worker's framing check as well. */
const MAX_DEPTH = 1_000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Reads `text` up to its first fault. `visit` hears of every value that was read whole.
 *
 * @returns the fault, or `undefined` for exactly one JSON value
 * @example
 * scanJson('{"a":1,}'); // { at: 7, problem: 'a key in quotes is due here' }
 */
export function scanJson(
  text: string,
  visit: (value: JsonValue) => void = () => undefined,
): JsonFault | undefined {
  try {
    const scan = new Scan(text, visit);
    scan.value(undefined, 0);
    scan.end();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return { at: error.at, problem: error.message };
    throw error;
  }
}

class Fault extends Error {
  readonly at: number;

  constructor(at: number, problem: string) {
    super(problem);
    this.at = at;
  }
}

class Scan {
  readonly #text: string;
  readonly #visit: (value: JsonValue) => void;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, visit: (value: JsonValue) => void) {
    this.#text = text;
    this.#visit = visit;
  }

  value(key: number | undefined, depth: number): void {
    this.#space();
    const start = this.#at;
    if (depth > MAX_DEPTH) throw new Fault(start, `deeper than ${MAX_DEPTH} levels`);
    const first = this.#text[start];
    if (first === '{') this.#object(depth);
    else if (first === '[') this.#array(depth);
    else if (first === '"') this.#string();
    else if (!this.#take(NUMBER) && !this.#take(WORD)) throw this.#fault('a value is due here');
    this.#visit({ path: [...this.#path], key, start, end: this.#at });
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length)
      throw new Fault(this.#at, 'nothing may stand behind the value');
  }

  #object(depth: number): void {
    this.#at++;
    if (this.#closes('}')) return;
    for (;;) {
      this.#space();
      const key = this.#at;
      if (this.#text[key] !== '"') throw this.#fault('a key in quotes is due here');
      this.#string();
      const name = JSON.parse(this.#text.slice(key, this.#at)) as string;
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#fault('a colon is due here');
      this.#at++;
      this.#path.push(name);
      this.value(key, depth + 1);
      this.#path.pop();
      if (this.#closes('}')) return;
      this.#comma('}');
    }
  }

  #array(depth: number): void {
    this.#at++;
    if (this.#closes(']')) return;
    for (let index = 0; ; index++) {
      this.#path.push(index);
      this.value(undefined, depth + 1);
      this.#path.pop();
      if (this.#closes(']')) return;
      this.#comma(']');
    }
  }

  #string(): void {
    for (this.#at++; ;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) throw this.#fault('the string does not end');
      if (code < 0x20) throw this.#fault('a control character must be escaped in a string');
      if (code === 0x5c) {
        if (!this.#take(ESCAPE)) throw this.#fault('no such escape');
        continue;
      }
      this.#at++;
      if (code === 0x22) return;
    }
  }

  #closes(bracket: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #comma(bracket: string): void {
    if (this.#text[this.#at] !== ',') throw this.#fault(`a comma or ${bracket} is due here`);
    this.#at++;
  }

  #space(): void {
    this.#take(SPACE);
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #fault(due: string): Fault {
    return new Fault(this.#at, this.#at >= this.#text.length ? `the text ends; ${due}` : due);
  }
}
