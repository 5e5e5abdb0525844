import { answerColours } from '../terminal.ts';

type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'plain';

/** A stretch of a line and how it is shown; its text is safe for terminals. */
export interface Painted {
  readonly text: string;
  readonly colour: Colour;
}

export const paint = (text: string, colour: Colour = 'plain'): Painted => ({ text, colour });

/**
 * A line that fits: cut, with an ellipsis, where it is wider than the screen. Signs of two cells are
 * counted as such; scripts with wide letters may be cut late, never in the middle of a colour.
 */
export function lineOf(parts: readonly Painted[], columns = Infinity): string {
  let left = columns;
  const shown: string[] = [];
  for (const { text, colour } of parts) {
    const cut = cutTo(text, left);
    left -= widthOf(cut);
    shown.push(coloured(cut, colour));
    if (cut !== text) break;
  }
  return shown.join('').trimEnd();
}

const coloured = (text: string, colour: Colour): string =>
  colour === 'plain' ? text : answerColours[colour](text);

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const widthOf = (text: string): number =>
  Array.from(text).reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);

function cutTo(text: string, columns: number): string {
  if (columns === Infinity || widthOf(text) <= columns) return text;
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += WIDE.test(character) ? 2 : 1;
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
