/** The table of codes against the engine's own list: numbers, names, and what their names say. */
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ENGINE_CODES, openClickHouse } from '../../clickhouse/index.ts';

let names: ReadonlyMap<number, string>;
beforeAll(async () => {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl') });
  const rows = await clickhouse.query<{ code: string; name: string }>(
    "SELECT number AS code, errorCodeToName(number) AS name FROM numbers(1, 1200) WHERE name != ''",
  );
  names = new Map(rows.map(({ code, name }) => [Number(code), name]));
  await clickhouse.close();
});

const classOf = (code: number): string => ENGINE_CODES.get(code)?.is ?? 'none';

describe('the codes of ClickHouse', () => {
  it('have the names that this engine gives them', () => {
    const ours = [...ENGINE_CODES].map(([code, { name }]) => `${code} ${name}`);
    expect(ours).toEqual([...ENGINE_CODES].map(([code]) => `${code} ${names.get(code)}`));
  });

  it.each([
    [
      'unreadable values',
      /^CANNOT_PARSE_(TEXT|NUMBER|DATE|DATETIME|BOOL|UUID|IPV\d|QUOTED_\w+|ESCAPE_\w+|DOMAIN_\w+|INPUT_\w+)$/,
      'content',
    ],
    ['sockets and networks', /SOCKET|NETWORK_ERROR|DNS_ERROR|CONNECTION_(LIMIT|TRIES)/, 'outage'],
    ['memory', /^MEMORY_|ALLOCATE_MEMORY/, 'outage'],
    [
      'disks and files',
      /NOT_ENOUGH_SPACE|CANNOT_(FSYNC|STATVFS|OPEN_FILE|CLOSE_FILE|CREATE_FILE|CREATE_DIRECTORY|WRITE_TO_FILE\w*)/,
      'outage',
    ],
    ['Keeper and replicas', /ZOOKEEPER|KEEPER|LIVE_REPLICAS|ACTIVE_REPLICAS|QUORUM/, 'outage'],
    [
      'users and passwords',
      /^(WRONG_PASSWORD|REQUIRED_PASSWORD|UNKNOWN_USER|USER_EXPIRED|AUTHENTICATION_FAILED|ACCESS_DENIED|DATABASE_ACCESS_DENIED)$/,
      'configuration',
    ],
  ])('%s are classified, also those of a newer engine', (_, pattern, wanted) => {
    // Of Keeper's own nodes and settings, which no statement of a worker can meet.
    const elsewhere = new Set(['UNEXPECTED_NODE_IN_ZOOKEEPER', 'QUOTA_REQUIRES_CLIENT_KEY']);
    const found = [...names].filter(([, name]) => pattern.test(name) && !elsewhere.has(name));
    expect(found.length).toBeGreaterThan(0);
    const others = found.filter(([code]) => classOf(code) !== wanted);
    expect(others.map(([code, name]) => `${code} ${name}: ${classOf(code)}`)).toEqual([]);
  });
});
