/** A JSON value from bytes, or why they are none. */
export type Read =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads one JSON text in UTF-8, a byte order mark allowed. Never throws; quotes nothing of it. */
export function readJson(bytes: Uint8Array): Read {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, reason: 'is not UTF-8' };
  }
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    const at = /position (\d+)/.exec((error as Error).message)?.[1];
    return {
      ok: false,
      reason: at === undefined ? 'is not JSON' : `is not JSON, at character ${Number(at) + 1}`,
    };
  }
}
