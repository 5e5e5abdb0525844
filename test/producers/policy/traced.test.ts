import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createLedger } from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { ledgerForTest, row } from '../../clickhouse/support.ts';
import { actor, catalog, lineLogger } from '../catalog.ts';

const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
/** The documented way from an event to its policy. */
const [, sql = ''] = /^```sql\n(SELECT e\.event_id[\s\S]*?)^```/mu.exec(page) ?? [];

test('R-EDGE-07: a stored event can be traced to the policy that kept it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-policy-'));
  const policy = join(folder, 'policy.yaml');
  const transport = memoryTransport();
  try {
    writeFileSync(policy, 'version: 1\nlevel: all\n');
    const ledger = createLedger({
      service: 'panel',
      catalog,
      transport,
      policy,
      logger: lineLogger(),
      reportIntervalMs: 3_600_000,
    });
    const view = () => ledger.emit('app.viewed', { actor, target: { id: 'app_1' } });
    const create = () => ledger.emit('app.created', { actor, target: { id: 'app_1' } });
    const before = view();
    writeFileSync(policy, 'version: 1\nlevel: writes_only\n');
    process.emit('SIGHUP');
    await vi.waitFor(() => expect(view().status).toBe('filtered'), { timeout: 10_000 });
    const after = create();
    await ledger.close();
    if (before.status !== 'accepted' || after.status !== 'accepted') throw new Error('not kept');

    const stored = await ledgerForTest();
    await stored.insert(
      transport.messages.map(({ value }) => {
        const sent = JSON.parse(value) as Readonly<Record<string, unknown>>;
        const { kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp } =
          row();
        return {
          ...sent,
          kafka_topic,
          kafka_topic_id,
          kafka_partition,
          kafka_offset,
          kafka_timestamp,
        };
      }),
    );
    const policyOf = async (event_id: string) => {
      const [found] = await stored.clickhouse.query<{ policy: string }>(sql, {
        params: { event_id },
      });
      return JSON.parse(found?.policy ?? '{}') as { level: string; policy: { level: string } };
    };
    expect(await policyOf(before.id)).toMatchObject({ level: 'all', policy: { level: 'all' } });
    expect(await policyOf(after.id)).toMatchObject({
      level: 'writes_only',
      policy: { level: 'writes_only' },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('R-EDGE-05: ClickHouse hashes a sampling key as the edge does', async () => {
  const { clickhouse } = await ledgerForTest();
  const { murmur3 } = await import('../../../producers/policy/murmur3.ts');
  const keys = ['', 'req_1', '4bf92f3577b34da6a3ce929d0e0e4736', 'grüße', '日本'];
  const hashes = await clickhouse.query<{ hash: number }>(
    'SELECT murmurHash3_32(arrayJoin({keys:Array(String)})) AS hash',
    { params: { keys } },
  );
  expect(hashes.map(({ hash }) => hash)).toEqual(keys.map(murmur3));
});
