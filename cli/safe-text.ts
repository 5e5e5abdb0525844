/**
 * Characters that make a terminal do something, or make text look like other text: controls
 * (C0, DEL, C1: the start of every escape sequence), and the marks that turn the writing direction
 * round (https://trojansource.codes). Line and paragraph separators would break one line into two.
 */
const UNSAFE = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f]',
    '[\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]',
  ].join('|'),
  'g',
);

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text from elsewhere, so that printing it to a terminal shows it and does nothing more: every
 * unsafe character becomes its visible escape.
 *
 * @example
 * safeText('a\u001b[31mb\n'); // 'a\\u001b[31mb\\n'
 */
export const safeText = (text: string): string => text.replace(UNSAFE, escaped);

/** The same for text of several lines, which stay lines. */
export const safeLines = (text: string): string =>
  text.replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character)));

const escaped = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
