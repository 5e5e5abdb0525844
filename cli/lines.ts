/** A line of input by its number, from 1: its bytes, or that it is longer than anything may be. */
export type Line =
  | { readonly number: number; readonly bytes: Buffer }
  | { readonly number: number; readonly tooLong: true };

const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into lines and holds one line at most, up to `maxBytes`; what is longer is
 * read past. Lines of blanks are numbered and left out.
 */
export async function* linesOf(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let number = 1;
  const line = (): Line | undefined => {
    const done: Line | undefined =
      heldBytes > maxBytes
        ? { number, tooLong: true }
        : blank(held)
          ? undefined
          : { number, bytes: Buffer.concat(held) };
    held = [];
    heldBytes = 0;
    number += 1;
    return done;
  };
  const hold = (part: Buffer): void => {
    heldBytes += part.length;
    if (heldBytes > maxBytes) held = [];
    else if (part.length > 0) held.push(part);
  };
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, at));
      from = at + 1;
      const done = line();
      if (done) yield done;
    }
    hold(chunk.subarray(from));
  }
  const last = line();
  if (last) yield last;
}

/** Only blanks, tabs and carriage returns. */
const blank = (parts: readonly Buffer[]): boolean =>
  parts.every((part) => part.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d));
