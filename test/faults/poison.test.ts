/** R-DLV-02: what cannot be a row is quarantined as it came, and its neighbours are stored. */
import { describe, expect, it } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import { messages, wireRow } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

describe('poison', () => {
  const poison = [
    { name: 'not JSON', value: 'hello', reason: 'not_json' },
    { name: 'half an object', value: wireRow().slice(0, -9), reason: 'not_json' },
    { name: 'two objects', value: `${wireRow()}${wireRow()}`, reason: 'not_one_object' },
    {
      name: 'two objects, a comma between',
      value: `${wireRow()},${wireRow()}`,
      reason: 'not_one_object',
    },
    { name: 'an array', value: `[${wireRow()}]`, reason: 'not_one_object' },
    { name: 'a tombstone', value: null, reason: 'tombstone' },
    { name: 'an empty value', value: '', reason: 'tombstone' },
    { name: 'an empty object', value: '{}', reason: 'invalid' },
    { name: 'a missing field', value: wireRow({ actor_id: undefined }), reason: 'invalid' },
    { name: 'a value of the wrong kind', value: wireRow({ outcome: 'maybe' }), reason: 'invalid' },
    { name: 'a null', value: wireRow({ reason: null }), reason: 'invalid' },
    {
      name: 'a key twice',
      value: wireRow().replace('{', '{"outcome":"denied",'),
      reason: 'duplicate_keys',
    },
    { name: 'a forged offset', value: wireRow({ kafka_offset: 7 }), reason: 'forged' },
    { name: 'a forged lease', value: wireRow({ lease: 1 }), reason: 'forged' },
    {
      name: 'a forged time of storing',
      value: wireRow({ ingested_at: '2020-01-01 00:00:00' }),
      reason: 'forged',
    },
    { name: 'a future version', value: wireRow({ wire_version: 2 }), reason: 'future_version' },
    {
      name: 'already expired',
      value: wireRow({ occurred_at: '2001-02-03T04:05:06Z' }),
      reason: 'expired',
    },
    {
      name: 'a protected category in a short class',
      value: wireRow({ category: 'security', event_type: 'security.sign_in' }),
      reason: 'invalid',
    },
    {
      name: 'ten megabytes',
      value: wireRow({ message: 'x'.repeat(10_000_000) }),
      reason: 'too_large',
    },
  ];

  it(
    'each kind is quarantined with its reason, at the first, middle and last row, while its neighbours are stored (R-DLV-02)',
    { timeout: 120_000 },
    async () => {
      const its = await stage.scene({
        partitions: 1,
        topicConfig: { 'max.message.bytes': '20000000' },
      });
      const kept = wireRow({ a_newer_field: { deep: true } });
      await its.produce(poison.map(({ value }) => ({ value, partition: 0 })));
      await its.produce([
        ...messages(50, 1),
        { value: kept, partition: 0 },
        ...poison.map(({ value }) => ({ value, partition: 0 })),
        ...messages(50, 1),
      ]);
      await its.produce(poison.map(({ value }) => ({ value, partition: 0 })));
      its.worker();
      const judgement = await its.judgeWhenCommitted(100_000);
      expect(judgement).toMatchObject({
        stored: 101,
        quarantined: 3 * poison.length,
        ...FAULTLESS,
      });

      const rows = await its.clickhouse.query<{ offset: string; reason: string; size: string }>(
        'SELECT kafka_offset AS offset, reason, length(message) AS size FROM audit_quarantine ORDER BY kafka_offset',
      );
      const first = rows
        .slice(0, poison.length)
        .map(({ reason }, index) => `${poison[index]?.name}: ${reason}`);
      expect(first).toEqual(poison.map(({ name, reason }) => `${name}: ${reason}`));
      expect(rows.slice(0, poison.length).map(({ size }) => Number(size))).toEqual(
        poison.map(({ value }) => Buffer.byteLength(value ?? '')),
      );

      const [newer] = await its.clickhouse.query<{ unmapped: string }>(
        "SELECT attributes['ledger.unmapped.a_newer_field'] AS unmapped FROM audit_events WHERE mapContains(attributes, 'ledger.unmapped.a_newer_field')",
      );
      expect(newer?.unmapped).toBe('{"deep":true}');
    },
  );

  it(
    'more bad offsets than fit beside the committed one, all behind healthy rows, cost no neighbour (R-DLV-02)',
    { timeout: 60_000 },
    async () => {
      const its = await stage.scene({ partitions: 1 });
      const healthy = 3_000;
      const bad = 1_200;
      const batch = messages(healthy + 2 * bad, 1).map((message, offset) =>
        offset >= healthy && offset % 2 === 0 ? { ...message, value: '{}' } : message,
      );
      for (let first = 0; first < batch.length; first += 900) {
        await its.produce(batch.slice(first, first + 900));
      }
      its.worker({
        LEDGERLINE_BATCH_ROWS: String(batch.length),
        LEDGERLINE_BATCH_AGE_MS: '1500',
      });
      expect(await its.judgeWhenCommitted(50_000)).toMatchObject({
        stored: healthy + bad,
        quarantined: bad,
        ...FAULTLESS,
      });
    },
  );

  it('control: a worker that drops what the engine refuses loses the neighbours', async () => {
    const its = await stage.scene({ partitions: 1 });
    await its.produce([
      ...messages(20, 1),
      { value: wireRow({ outcome: 'maybe' }), partition: 0 },
      ...messages(20, 1),
    ]);
    its.sabotagedWorker('trusts-errors');
    const judgement = await its.judgeWhenCommitted();
    expect(judgement.missing).toHaveLength(41);
  });

  it('a repeat of what was refused itself keeps its body, and is not called a repeat of what is stored', async () => {
    const its = await stage.scene({ partitions: 1 });
    const again = { 'll-dup': '1' };
    const event = JSON.parse(wireRow()) as Record<string, unknown>;
    const mended = JSON.stringify(event);
    const expired = wireRow({ occurred_at: '2001-02-03T04:05:06Z' });
    const healthy = wireRow();
    await its.produce(
      [
        { value: JSON.stringify({ ...event, actor_id: undefined }) },
        { value: mended, headers: again },
        { value: expired },
        { value: expired, headers: again },
        { value: healthy },
        { value: healthy, headers: again },
      ].map((message) => ({ ...message, partition: 0 })),
    );
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 1, ...FAULTLESS });
    const rows = await its.clickhouse.query<{ offset: string; reason: string; message: string }>(
      'SELECT kafka_offset AS offset, reason, message FROM audit_quarantine ORDER BY kafka_offset',
    );
    expect(rows.map(({ offset, reason }) => `${offset} ${reason}`)).toEqual([
      '0 invalid',
      '1 refused',
      '2 expired',
      '3 expired',
      '5 duplicate',
    ]);
    expect(rows.map(({ message }) => message).slice(1)).toEqual([mended, expired, expired, '']);
  });

  it('a repeated message is stored once, and its offset accounted for', async () => {
    const its = await stage.scene({ partitions: 1 });
    const repeated = { value: wireRow(), partition: 0, headers: { 'll-dup': '1' } };
    await its.produce([repeated, ...messages(5, 1), repeated]);
    its.worker();
    await its.judgeWhenCommitted();
    await its.produce([repeated]);
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced: 8,
      stored: 6,
      quarantined: 2,
      ...FAULTLESS,
    });
  });
});
