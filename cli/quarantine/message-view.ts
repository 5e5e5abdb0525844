/**
 * A message of a stranger's, laid out for reading, with its first fault marked. Pure. Every line is safe
 * for a terminal; the layout is made by characters alone, so that it also works for broken JSON.
 */
import type { FaultPlace } from '../../consumers/index.ts';
import { safeText } from '../safe-text.ts';

export interface MessageView {
  readonly lines: readonly string[];
  /** Index of the line at fault. */
  readonly faultLine: number | undefined;
  /** Columns of the fault in that line. */
  readonly from: number;
  readonly to: number;
  /** Characters that are not shown. */
  readonly hidden: number;
}

const MAX_CHARACTERS = 64 * 1024;
const MAX_LINES = 200;
const MAX_WIDTH = 160;
const INDENT = '  ';

interface Piece {
  readonly text: string;
  readonly start: number;
}

/**
 * @param text the message
 * @param fault from {@link placeOfFault}
 */
export function messageView(text: string, fault: FaultPlace | undefined): MessageView {
  const pieces = laidOut(text.slice(0, MAX_CHARACTERS));
  const at = fault?.start ?? -1;
  const found = at < 0 ? -1 : pieces.findLastIndex(({ start }) => start <= at);
  const first = Math.max(0, Math.min(found - MAX_LINES / 2, pieces.length - MAX_LINES));
  const shown = pieces.slice(first, first + MAX_LINES);
  const ended = shown.at(-1);
  const hidden =
    (shown[0]?.start ?? 0) +
    Math.max(0, text.length - (ended ? ended.start + ended.text.trimStart().length : 0));
  const faultLine = found < 0 ? undefined : found - first;
  let from = 0;
  let to = 0;
  const lines = shown.map((piece, index) => {
    if (index !== faultLine || !fault) return cut(piece.text, 0);
    const lead = piece.text.length - piece.text.trimStart().length;
    const within = lead + Math.max(0, fault.start - piece.start);
    const length = Math.max(1, Math.min(fault.end - fault.start, piece.text.length - within));
    const window = within > MAX_WIDTH - 40 ? within - 40 : 0;
    const line = cut(piece.text, window);
    const mark = window > 0 ? '… ' : '';
    from = mark.length + safeText(piece.text.slice(window, within)).length;
    to = from + Math.max(1, safeText(piece.text.slice(within, within + length)).length);
    to = Math.min(to, Math.max(from + 1, line.length));
    return line;
  });
  return { lines, faultLine, from, to, hidden: Math.max(0, hidden) };
}

/** A part of a line that fits a terminal, from a character on. */
function cut(line: string, window: number): string {
  const lead = window > 0 ? '… ' : '';
  const part = safeText(line.slice(window, window + MAX_WIDTH));
  const rest = line.length - window - MAX_WIDTH;
  return `${lead}${part}${rest > 0 ? ` … (${rest} more)` : ''}`;
}

/** Breaks lines where JSON is usually broken, outside of strings; what is there already is kept. */
function laidOut(text: string): Piece[] {
  const pieces: Piece[] = [];
  let depth = 0;
  let inString = false;
  let start = 0;
  const end = (at: number): void => {
    const body = text.slice(start, at);
    const lead = body.length - body.trimStart().length;
    const trimmed = body.trim();
    if (trimmed !== '') {
      const closes = /^[}\]]/.test(trimmed) ? 1 : 0;
      const before = depthBefore - closes;
      pieces.push({
        text: INDENT.repeat(Math.min(20, Math.max(0, before))) + trimmed,
        start: start + lead,
      });
    }
    start = at;
    depthBefore = depth;
  };
  let depthBefore = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      depth++;
      if (!isEmptyAfter(text, at)) end(at + 1);
    } else if (character === '}' || character === ']') {
      if (!isEmptyBefore(text, at)) end(at);
      depth--;
    } else if (character === ',') end(at + 1);
  }
  end(text.length);
  return pieces;
}

const isEmptyAfter = (text: string, at: number): boolean =>
  /^\s*[}\]]/.test(text.slice(at + 1, at + 9));
const isEmptyBefore = (text: string, at: number): boolean =>
  /[{[]\s*$/.test(text.slice(Math.max(0, at - 8), at));
