import type { IncomingHttpHeaders } from 'node:http';
import { forwardedElements, forwardedFor, plainAddress } from './forwarded.ts';
import type { TrustsHop } from './trusted-proxies.ts';

/** The header that the proxies in front write; the other one is a client's word, and is not read. */
export type ForwardedHeader = 'x-forwarded-for' | 'forwarded';

/**
 * The address of the nearest hop that nobody trusted stands behind: the client's, as far as it can
 * be known. From right to left: what a hop says counts only while that hop is trusted, so that a
 * client can write what it likes into the header. An entry that is no address ends the search at
 * the hop that sent it.
 */
export function clientAddress(
  peer: string | undefined,
  headers: IncomingHttpHeaders,
  header: ForwardedHeader,
  trusts: TrustsHop,
): string | undefined {
  let address = peerAddress(peer);
  if (!trusts(address, 0)) return address;
  const value = headers[header];
  if (value === undefined) return address;
  const text = Array.isArray(value) ? value.join(',') : value;
  const said = header === 'forwarded' ? forwardedElements(text) : forwardedFor(text);
  for (const [index, next] of said.entries()) {
    if (next === undefined) return address;
    address = next;
    if (!trusts(address, index + 1)) return address;
  }
  return address;
}

/** A connection has many requests, and those behind a proxy come from few. */
const knownPeers = new Map<string, string>();
const REMEMBERED_PEERS = 1_000;

function peerAddress(peer: string | undefined): string | undefined {
  const known = peer === undefined ? undefined : knownPeers.get(peer);
  if (peer === undefined || known !== undefined) return known;
  const address = plainAddress(peer);
  if (address === undefined) return undefined;
  if (knownPeers.size >= REMEMBERED_PEERS) knownPeers.clear();
  knownPeers.set(peer, address);
  return address;
}
