import { isIPv4, isIPv6 } from 'node:net';

let lastGiven = '';
let lastWire: string | undefined;

/**
 * An address as the IPv6 column takes it: IPv4 as `::ffff:a.b.c.d`, no zone. `undefined`: it is no
 * address. The last answer is kept, since a connection's requests come together.
 */
export function wireAddress(value: string): string | undefined {
  if (value !== lastGiven) {
    lastWire = toWire(value);
    lastGiven = value;
  }
  return lastWire;
}

function toWire(value: string): string | undefined {
  if (isIPv4(value)) return `::ffff:${value}`;
  return isIPv6(value) && !value.includes('%') ? value : undefined;
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** {@link wireAddress} backwards: mapped IPv4 as people write it. */
export const addressOf = (wire: string): string => MAPPED.exec(wire)?.[1] ?? wire;
