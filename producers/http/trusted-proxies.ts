import { BlockList, isIP } from 'node:net';
import { LedgerlineError } from '../../schemas/index.ts';

/**
 * Which hops may say where a request came from: none (`false`), all (`true`: only where clients
 * cannot reach the service but through proxies), the last so many (`1`: one proxy in front), or
 * those at these addresses: `10.0.0.0/8`, `2001:db8::1`, `loopback`, `linklocal`, `uniquelocal`.
 */
export type TrustedProxies = boolean | number | readonly string[];

/** Whether to believe what the hop at this address, the `hop`-th before the service, says. */
export type TrustsHop = (address: string | undefined, hop: number) => boolean;

/** Express's names for RFC 1122, 3927, 1918, 4193 and 4291's ranges. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/**
 * Reads the rule once. An IPv4 address that comes as IPv6 (`::ffff:10.0.0.1`) is the same address;
 * the other end of a UNIX socket, which has none, is on this machine: `loopback`.
 *
 * Throws `CONFIG_INVALID` for what is no address and no range.
 */
export function trustOf(proxies: TrustedProxies): TrustsHop {
  if (typeof proxies === 'boolean') return () => proxies;
  if (typeof proxies === 'number') {
    if (!Number.isInteger(proxies) || proxies < 0) throw invalid('a number of hops is 0, 1, 2 …');
    return (_, hop) => hop < proxies;
  }
  if (!Array.isArray(proxies)) throw invalid('pass a boolean, a number of hops or a list');
  const list = new BlockList();
  for (const range of proxies.flatMap((name) => NAMED[name] ?? [name])) add(list, range);
  const local = proxies.includes('loopback');
  // Looking an address up costs as much as all the rest, and proxies are few.
  const known = new Map<string, boolean>();
  return (address, hop) => {
    if (address === undefined) return hop === 0 && local;
    const before = known.get(address);
    if (before !== undefined) return before;
    const trusted = list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
    if (known.size >= REMEMBERED_ADDRESSES) known.clear();
    known.set(address, trusted);
    return trusted;
  };
}

/** Clients are many, and may come from anywhere. */
const REMEMBERED_ADDRESSES = 1_000;

function add(list: BlockList, range: string): void {
  const [address = '', prefix, ...more] = String(range).split('/');
  const family = isIP(address);
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (family === 0 || more.length > 0) throw invalid('an entry is neither an address nor a range');
  if (prefix === undefined) return list.addAddress(address, kind);
  const bits = /^\d{1,3}$/u.test(prefix) ? Number(prefix) : Infinity;
  if (bits > (family === 6 ? 128 : 32)) throw invalid('a range ends in /0 to /32 or /128');
  list.addSubnet(address, bits, kind);
}

const invalid = (rule: string): LedgerlineError =>
  new LedgerlineError('CONFIG_INVALID', `trustedProxies: ${rule}.`, {
    hint: 'For example ["10.0.0.0/8", "loopback"], or 1 for one proxy in front.',
  });
