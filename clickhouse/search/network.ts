import { isIPv4, isIPv6 } from 'node:net';

/** The first and last address of a network, as the IPv6 column stores them. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

const BITS = 128n;
const MAPPED = 0xffff_0000_0000n;

/** An address or a network in CIDR notation (RFC 4632, RFC 4291); `undefined`: it is neither. Pure. */
export function addressRange(text: string): AddressRange | undefined {
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const value = addressValue(address);
  if (value === undefined) return undefined;
  const width = isIPv4(address) ? 32 : 128;
  const kept = prefix === undefined ? width : Number(prefix);
  if (kept > width) return undefined;
  const free = (1n << BigInt(width - kept)) - 1n;
  return { from: value - (value & free), to: value | free };
}

function addressValue(text: string): bigint | undefined {
  if (isIPv4(text)) return MAPPED | ipv4Value(text);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // An IPv4 tail is two groups.
  const tail = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  const ipv4 = tail === undefined ? undefined : ipv4Value(tail);
  const plain =
    ipv4 === undefined || tail === undefined
      ? text
      : `${text.slice(0, -tail.length)}${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`;
  const [head = '', rest] = plain.split('::');
  const groups = (side: string): string[] => (side === '' ? [] : side.split(':'));
  const [before, behind] = [groups(head), groups(rest ?? '')];
  const zeros = Array<string>(8 - before.length - behind.length).fill('0');
  return [...before, ...zeros, ...behind].reduce(
    (value, group) => (value << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

const ipv4Value = (text: string): bigint =>
  text.split('.').reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** Eight groups of hexadecimal digits. */
export const addressText = (value: bigint): string =>
  (value | (1n << BITS))
    .toString(16)
    .slice(1)
    .replace(/(.{4})(?!$)/g, '$1:');
