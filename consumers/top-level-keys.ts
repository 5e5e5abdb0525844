/**
 * The keys of a JSON object as they stand in its text, repeated ones included: JSON.parse keeps only
 * the last of them, while the engine refuses them all. `message` must be valid JSON.
 */
export function topLevelKeys(message: Buffer): string[] {
  const text = message.toString('utf8');
  const keys: string[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const start = at;
      while (text[++at] !== '"') if (text[at] === '\\') at++;
      if (depth === 1 && isFollowedByColon(text, at + 1)) {
        keys.push(JSON.parse(text.slice(start, at + 1)) as string);
      }
    } else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
  }
  return keys;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
