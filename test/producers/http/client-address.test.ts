import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientAddress, type ForwardedHeader } from '../../../producers/http/client-address.ts';
import { trustOf, type TrustedProxies } from '../../../producers/http/trusted-proxies.ts';

const PROXY = '10.0.0.1';

interface From {
  readonly peer?: string | undefined;
  readonly header?: ForwardedHeader;
}

const from = (
  trusted: TrustedProxies,
  value: string | undefined,
  { header = 'x-forwarded-for', ...more }: From = {},
): string | undefined =>
  clientAddress(
    'peer' in more ? more.peer : PROXY,
    value === undefined ? {} : { [header]: value },
    header,
    trustOf(trusted),
  );

describe('R-REC-09: from where a request really came', () => {
  test.each<[string, TrustedProxies, string | undefined, string | undefined]>([
    ['nobody is trusted', false, '203.0.113.9', PROXY],
    ['the peer is not in the list', ['10.9.0.0/16'], '203.0.113.9', PROXY],
    ['one proxy', ['10.0.0.0/8'], '203.0.113.9', '203.0.113.9'],
    ['a client that lies', ['10.0.0.0/8'], '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['two proxies', ['10.0.0.0/8'], '1.1.1.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['all hops trusted: the first', ['10.0.0.0/8'], '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['one hop', 1, '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['two hops', 2, '1.1.1.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['fewer entries than hops', 3, '203.0.113.9', '203.0.113.9'],
    ['no hop', 0, '203.0.113.9', PROXY],
    ['all', true, '1.1.1.1, 203.0.113.9', '1.1.1.1'],
    ['no header', true, undefined, PROXY],
    ['an empty header', true, '', PROXY],
    ['"unknown"', true, '203.0.113.9, unknown', PROXY],
    ['garbage behind a trusted hop', ['10.0.0.0/8'], '<script>, 10.0.0.2', '10.0.0.2'],
    ['ports and brackets', ['10.0.0.0/8'], '[2001:db8::7]:4711, 10.0.0.2:80', '2001:db8::7'],
    ['a zone', ['10.0.0.0/8'], 'fe80::1%eth0', 'fe80::1'],
    ['IPv4 written as IPv6', ['10.0.0.0/8'], '203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
  ])('%s', (_, trusted, header, expected) => {
    expect(from(trusted, header)).toBe(expected);
  });

  test('a peer that comes as IPv6, over the loopback or a UNIX socket', () => {
    expect(from(['10.0.0.0/8'], '203.0.113.9', { peer: '::ffff:10.0.0.1' })).toBe('203.0.113.9');
    expect(from(['loopback'], '203.0.113.9', { peer: '::1' })).toBe('203.0.113.9');
    expect(from(['loopback'], '203.0.113.9', { peer: undefined })).toBe('203.0.113.9');
    expect(from(['10.0.0.0/8'], '203.0.113.9', { peer: undefined })).toBeUndefined();
    expect(from(['uniquelocal'], '203.0.113.9', { peer: '192.168.7.7' })).toBe('203.0.113.9');
  });

  test.each([
    ['for=203.0.113.9;proto=https;by=10.0.0.1', '203.0.113.9'],
    ['for=1.1.1.1, For="203.0.113.9:4711"', '203.0.113.9'],
    ['for="[2001:db8::7]:80";proto=http', '2001:db8::7'],
    ['for=203.0.113.9, for=10.0.0.2', '203.0.113.9'],
    ['for="1.1.1.1, for=6.6.6.6", for=203.0.113.9', '203.0.113.9'],
    ['for=203.0.113.9, for=_hidden', PROXY],
    ['for=203.0.113.9, proto=https', PROXY],
    ['for=203.0.113.9, xfor=1.1.1.1', PROXY],
    ['for="203.0.113.9', PROXY],
    ['for=1.1.1.1;x=", for=203.0.113.9', '203.0.113.9'],
    ['for=1.1.1.1;x=", for="203.0.113.9:4711"', '203.0.113.9'],
    ['host="a;for=1.1.1.1";for=203.0.113.9', '203.0.113.9'],
  ])('Forwarded, as RFC 7239 says: %s', (value, expected) => {
    expect(from(['10.0.0.0/8'], value, { header: 'forwarded' })).toBe(expected);
  });

  test('of the two headers only the one that the proxies write is read', () => {
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=6.6.6.6' };
    const trusts = trustOf(1);
    expect(clientAddress(PROXY, headers, 'x-forwarded-for', trusts)).toBe('203.0.113.9');
    expect(clientAddress(PROXY, headers, 'forwarded', trusts)).toBe('6.6.6.6');
  });

  test('whatever a client writes in front, the answer is what the proxy saw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.boolean(), (lie, forwarded) => {
        const header = forwarded ? 'forwarded' : 'x-forwarded-for';
        const seen = forwarded ? 'for="203.0.113.9"' : '203.0.113.9';
        expect(from(['10.0.0.0/8'], `${lie},${seen}`, { header })).toBe('203.0.113.9');
      }),
    );
  });

  test.each([
    [['10.0.0.0/33']],
    [['10.0.0.0/8/8']],
    [['example.com']],
    [['10.0.0.0/']],
    [-1],
    [1.5],
    ['loopback'],
  ])('%j is no rule', (trusted) => {
    expect(() => trustOf(trusted as TrustedProxies)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
