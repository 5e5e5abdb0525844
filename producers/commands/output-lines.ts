import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { MASK, maskText } from '../redaction/mask-text.ts';

/** A line is handed on in pieces of this many characters. */
const LONGEST_LINE = 8_192;
/** So much of an unfinished line stays back at least, since a secret may be coming. */
const HELD_BACK = 1_024;
/** Secrets of several lines are looked for line by line, from so many characters on. */
const SHORTEST_PART = 8;

const KEY_BEGINS = /-----BEGIN [A-Z ]*PRIVATE KEY-----/u;
const KEY_ENDS = /-----END [A-Z ]*PRIVATE KEY-----/u;

/** Values to be masked, those of several lines also by line. */
export const secretParts = (secrets: readonly string[]): string[] => [
  ...new Set(
    secrets.flatMap((secret) => [
      secret,
      ...secret.split(/\r?\n/u).filter((part) => part.length >= SHORTEST_PART),
    ]),
  ),
];

/**
 * One stream of a process, cut into lines without secrets and colours. A secret is found however
 * the stream was cut into chunks; of a line without end, all but its last part is handed on.
 */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #secrets: readonly string[];
  readonly #heldBack: number;
  readonly #onLine: (line: string) => void;
  #rest = '';
  #inKey = false;
  #inSecret = false;

  constructor(secrets: readonly string[], onLine: (line: string) => void) {
    this.#secrets = secrets;
    this.#heldBack = secrets.reduce((most, { length }) => Math.max(most, length), HELD_BACK);
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #take(text: string): void {
    const more = this.#inSecret ? text.replace(/^\S+/u, '') : text;
    if (more === '') return;
    this.#inSecret = false;
    const lines = `${this.#rest}${more}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.#rest.length > LONGEST_LINE + this.#heldBack) this.#piece();
  }

  /** Masked as far as it goes, and then cut: a secret that has only begun is in what stays. */
  #piece(): void {
    const masked = this.#masked(this.#rest);
    const at = Math.max(0, masked.length - this.#heldBack);
    this.#line(masked.slice(0, at));
    this.#rest = masked.slice(at);
    // It may go on: what follows up to the next space belongs to it.
    this.#inSecret = masked.endsWith(MASK);
  }

  #line(line: string): void {
    if (this.#inKey) {
      this.#inKey = !KEY_ENDS.test(line);
      return;
    }
    this.#inKey = KEY_BEGINS.test(line) && !KEY_ENDS.test(line);
    const masked = this.#masked(line);
    for (let at = 0; at === 0 || at < masked.length; at += LONGEST_LINE) {
      this.#onLine(masked.slice(at, at + LONGEST_LINE));
    }
  }

  #masked(line: string): string {
    return maskText(stripVTControlCharacters(line), { secrets: this.#secrets });
  }
}
