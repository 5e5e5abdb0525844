export interface TopLevelField {
  readonly key: string;
  /** The value as it stands in the message. */
  readonly text: string;
}

/**
 * The fields of a JSON object as they stand in its text: JSON.parse keeps only the last of repeated
 * keys, while the engine refuses them all, and it rounds large numbers. `message` must be a valid JSON
 * object.
 */
export function topLevelFields(message: Buffer): TopLevelField[] {
  const text = message.toString('utf8');
  const fields: TopLevelField[] = [];
  let depth = 0;
  let key: string | undefined;
  let from = 0;
  const ends = (at: number): void => {
    if (key !== undefined) fields.push({ key, text: text.slice(from, at).trim() });
    key = undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const start = at;
      while (text[++at] !== '"') if (text[at] === '\\') at++;
      if (depth === 1 && key === undefined) {
        key = JSON.parse(text.slice(start, at + 1)) as string;
        at = text.indexOf(':', at);
        from = at + 1;
      }
    } else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      depth--;
      if (depth === 0) ends(at);
    } else if (char === ',' && depth === 1) ends(at);
  }
  return fields;
}
