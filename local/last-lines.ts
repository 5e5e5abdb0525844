const LINES = 3;

/** The end of a log, on one line: enough for an error's text, the file has the rest. */
export function lastLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at '))
    .slice(-LINES)
    .join(' | ');
}
