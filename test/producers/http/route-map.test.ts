import { describe, expect, test } from 'vitest';
import { routeFinder } from '../../../producers/http/route-map.ts';
import { statusOutcome } from '../../../producers/http/status-outcome.ts';

const find = routeFinder<string, unknown>({
  'POST /apps/:id/deploys': 'deployed',
  'GET /apps/:id': { type: 'viewed' },
  'DELETE /files/*': 'removed',
  '* /admin/*': 'admin',
  'PATCH *': 'patched',
});
const typeOf = (method: string, path: string, route?: string): string | undefined =>
  find(method, path, route)?.audit.type;

describe('R-REC-09: which requests are events', () => {
  test.each([
    ['POST', '/apps/7/deploys', 'deployed'],
    ['GET', '/apps/7', 'viewed'],
    ['HEAD', '/apps/7', 'viewed'],
    ['DELETE', '/files/a/b/c', 'removed'],
    ['PURGE', '/admin/cache', 'admin'],
    ['PATCH', '/whatever/there/is', 'patched'],
    ['GET', '/apps', undefined],
    ['GET', '/apps/7/deploys', undefined],
    ['GET', '/', undefined],
  ])('%s %s', (method, path, type) => {
    expect(typeOf(method, path)).toBe(type);
  });

  test('a path that is written otherwise does not escape', () => {
    for (const path of ['/APPS/7', '/apps/7/', '//apps//7', '/%61pps/7', '/apps/%E0%A4%A']) {
      expect(typeOf('GET', path)).toBe('viewed');
    }
  });

  test('what the framework served counts, whatever the path', () => {
    expect(typeOf('GET', '/alias', '/apps/:id')).toBe('viewed');
  });

  test('the first that fits; parameters are decoded', () => {
    expect(find('GET', '/apps/a%20b', undefined)?.params).toEqual({ id: 'a b' });
    const first = routeFinder<string, unknown>({ 'GET /a/*': 'one', 'GET /a/b': 'two' });
    expect(first('GET', '/a/b', undefined)?.audit.type).toBe('one');
  });

  test('all requests, or none', () => {
    expect(routeFinder<string, unknown>('any')('GET', '/x', undefined)?.audit.type).toBe('any');
    expect(routeFinder<string, unknown>({ type: 'any' })('GET', '/', undefined)?.pattern).toBe('*');
    expect(routeFinder<string, unknown>(undefined)('GET', '/x', undefined)).toBeUndefined();
  });

  test.each([{ '/apps': 'x' }, { 'get /apps': 'x' }, { 'GET apps': 'x' }, { 'GET /apps': 7 }])(
    '%j is no map',
    (map) => {
      expect(() => routeFinder(map as Record<string, string>)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    },
  );
});

test.each([
  [200, 'success', undefined],
  [204, 'success', undefined],
  [304, 'success', undefined],
  [400, 'failure', 'HTTP_400'],
  [401, 'denied', 'HTTP_401'],
  [403, 'denied', 'HTTP_403'],
  [404, 'failure', 'HTTP_404'],
  [407, 'denied', 'HTTP_407'],
  [429, 'failure', 'HTTP_429'],
  [451, 'denied', 'HTTP_451'],
  [500, 'failure', 'HTTP_500'],
  [599, 'failure', 'HTTP_599'],
])('a response of %d is a %s', (status, outcome, code) => {
  const ended = statusOutcome(status);
  expect([ended.outcome, ended.error?.code]).toEqual([outcome, code]);
});
