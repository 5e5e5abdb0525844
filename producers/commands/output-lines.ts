import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { formsOf, MASK, maskBeginning, maskText } from '../redaction/mask-text.ts';

/** A line is handed on in pieces of this many characters. */
const LONGEST_LINE = 8_192;
/** So much of an unfinished line stays back at least, since a secret may be coming. */
const HELD_BACK = 1_024;
/** Secrets of several lines are looked for line by line, from so many characters on. */
const SHORTEST_PART = 8;

/** A private key of 16,384 bits takes 13,000 characters; its lines may have a time before them. */
const LONGEST_KEY = 65_536;

const KEY_MARKER = /-----(BEGIN|END) [A-Z ]*PRIVATE KEY-----/gu;

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
  /** Characters of a private key that were left out; undefined outside of one. */
  #ofKey: number | undefined;
  #inSecret = false;

  constructor(secrets: readonly string[], onLine: (line: string) => void) {
    this.#secrets = secrets;
    this.#heldBack = secrets
      .flatMap(formsOf)
      .reduce((most, { length }) => Math.max(most, length), HELD_BACK);
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
    if (this.#ofKey !== undefined) this.#giveUpKey(this.#ofKey);
  }

  #take(text: string): void {
    const more = this.#inSecret ? text.replace(/^[^\s=,;&"'<>}\])\\]+/u, '') : text;
    if (more === '') return;
    this.#inSecret = false;
    const lines = `${this.#rest}${more}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.#rest.length > LONGEST_LINE + this.#heldBack) this.#piece();
  }

  /** Masked as far as it goes, and then cut: a secret that has only begun is in what stays. */
  #piece(): void {
    const masked = maskBeginning(stripVTControlCharacters(this.#rest), { secrets: this.#secrets });
    const at = Math.max(0, masked.length - this.#heldBack);
    if (this.#ofKey === undefined) this.#say(masked.slice(0, at));
    else this.#line(masked.slice(0, at));
    this.#rest = masked.slice(at);
    // A token may go on that is no longer known by its looks: what follows is the rest of it.
    this.#inSecret = masked.endsWith(MASK);
  }

  #line(line: string): void {
    const marker = [...line.matchAll(KEY_MARKER)].at(-1)?.[1];
    if (this.#ofKey !== undefined) {
      this.#ofKey += line.length;
      if (marker === 'END') this.#ofKey = undefined;
      else if (marker === 'BEGIN' || this.#ofKey > LONGEST_KEY) this.#giveUpKey(this.#ofKey);
      if (marker === 'BEGIN') this.#ofKey = 0;
      return;
    }
    if (marker === 'BEGIN') this.#ofKey = 0;
    this.#say(maskText(stripVTControlCharacters(line), { secrets: this.#secrets }));
  }

  #say(masked: string): void {
    for (let at = 0; at === 0 || at < masked.length; at += LONGEST_LINE) {
      this.#onLine(masked.slice(at, at + LONGEST_LINE));
    }
  }

  /** Its end was not seen: what was left out for it is at least told. */
  #giveUpKey(characters: number): void {
    this.#ofKey = undefined;
    if (characters > 0) this.#onLine(`… ${characters} characters of a private key left out …`);
  }
}
