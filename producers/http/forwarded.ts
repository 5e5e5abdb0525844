import { isIP } from 'node:net';

/** Longer than any honest chain; what is left of it is not looked at. */
const MAX_HOPS = 64;

/** The addresses in `X-Forwarded-For`, the last hop's first; what is no address is undefined. */
export const forwardedFor = (header: string): (string | undefined)[] =>
  header.split(',').slice(-MAX_HOPS).reverse().map(addressIn);

/** RFC 7239, section 4: parameters `name=value` or `name="value"` between semicolons. */
const FOR = /(?:^|;)\s*for=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?=;|$)/iu;

/** The `for` addresses in `Forwarded` (RFC 7239), the last hop's first, as {@link forwardedFor}. */
export const forwardedElements = (header: string): (string | undefined)[] =>
  elementsOf(header).map((element) => {
    const [, quoted, plain] = FOR.exec(element) ?? [];
    return addressIn(quoted?.replaceAll(/\\(.)/gu, '$1') ?? plain ?? '');
  });

/**
 * Elements, the last first, are apart by commas, but for those within quotes. Read from the end:
 * a quote that a client opens and leaves open must not swallow what the proxies wrote behind it.
 */
function elementsOf(header: string): string[] {
  const elements: string[] = [];
  let end = header.length;
  let quoted = false;
  for (let at = end - 1; at >= 0 && elements.length < MAX_HOPS; at -= 1) {
    const character = header[at];
    if (character === '"' && !(quoted && isEscaped(header, at))) quoted = !quoted;
    else if (character === ',' && !quoted) {
      elements.push(header.slice(at + 1, end));
      end = at;
    }
  }
  if (elements.length < MAX_HOPS) elements.push(header.slice(0, end));
  return elements;
}

const isEscaped = (text: string, at: number): boolean => {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
};

const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/u;
const WITH_PORT = /^([\d.]+):\d{1,5}$/u;

/** An address with or without port, brackets and zone; `unknown` and `_hidden` are none. */
function addressIn(text: string): string | undefined {
  const node = text.trim();
  const bare = BRACKETED.exec(node)?.[1] ?? WITH_PORT.exec(node)?.[1] ?? node;
  return plainAddress(bare);
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu;

/** Without zone, and IPv4 as IPv4. */
export function plainAddress(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const [unzoned = ''] = address.split('%');
  const plain = MAPPED.exec(unzoned)?.[1] ?? unzoned;
  return isIP(plain) === 0 ? undefined : plain;
}
