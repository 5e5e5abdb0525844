import { describe, expect, test } from 'vitest';
import { erase, EVERY_TENANT, findTraces, placeHold, releaseHold } from '../../clickhouse/index.ts';
import { wordPattern } from '../../clickhouse/erasure/person.ts';
import { type AuditEvent, decodeRow } from '../../schemas/index.ts';
import { type Ledger, ledgerForTest, row } from './support.ts';

const JANE = {
  identifiers: ['u_7', 'jane@example.com', 'Jane Doe'],
  tenant: EVERY_TENANT,
} as const;

/** Everything that can be a person's, in every field that can hold it. */
const jane = () =>
  row({
    event_type: 'contact.updated',
    actor_id: 'u_7',
    actor_name: 'Jane Doe',
    target_type: 'contact',
    target_id: 'c_1',
    target_name: 'Jane Doe (work)',
    related: [{ role: 'subject', type: 'person', id: 'u_7', name: 'Jane' }],
    source_ip: '198.51.100.7',
    reason: 'asked by JANE@example.com',
    message: 'Jane moved',
    error_message: 'no mail for jane@example.com',
    changes: [
      { op: 'replace', path: '/email', old: '"old@example.com"', new: '"jane@example.com"' },
    ],
    data: { email: 'jane@example.com' },
    execution: { stdout: 'hello Jane Doe' },
    attributes: { 'user_agent.original': 'Jane’s phone', 'ledger.redacted': 'data.pin' },
    outcome: 'failure',
  });

const others = () => [
  row({ actor_id: 'u_71', actor_name: 'Bob', data: { note: 'u_71 and mary-jane@example.com' } }),
  row({ actor_id: 'u_8', message: 'told jane@example.com.', target_id: 'c_1' }),
];

const stored = async ({ clickhouse }: Ledger, actor: string): Promise<AuditEvent> => {
  const rows = await clickhouse.query<Record<string, unknown>>(
    'SELECT * FROM audit_events WHERE actor_id = {actor:String}',
    { params: { actor } },
  );
  return decodeRow(JSON.stringify(rows[0]));
};

describe('R-RET-04: a person can be erased, and what happened stays', () => {
  test('every value of theirs is replaced, ids, times and outcomes stay, others are left alone', async () => {
    const ledger = await ledgerForTest();
    await ledger.insert([jane(), ...others()]);
    const before = await stored(ledger, 'u_71');
    expect(await findTraces(ledger.clickhouse, JANE)).toMatchObject({ asParty: 1, namedOnly: 1 });
    const { id, erased, remaining } = await erase(ledger.clickhouse, JANE);
    expect({ erased, remaining }).toMatchObject({
      erased: { asParty: 1, namedOnly: 1 },
      remaining: 0,
    });

    const after = await stored(ledger, 'u_7');
    expect(after).toMatchObject({
      type: 'contact.updated',
      outcome: 'failure',
      actor: { type: 'user', id: 'u_7', name: '[erased]' },
      target: { type: 'contact', id: 'c_1', name: '[erased]' },
      related: [{ role: 'subject', type: 'person', id: 'u_7', name: '[erased]' }],
      changes: [{ op: 'replace', path: '/email', old: '[erased]', new: '[erased]' }],
      data: { erased: true },
      execution: { erased: true },
      attributes: { 'ledger.erased': id, 'ledger.redacted': 'data.pin' },
    });
    expect(after.sourceIp).toBeUndefined();
    expect(JSON.stringify(after)).not.toMatch(/jane|phone|198\.51/i);
    expect(await stored(ledger, 'u_71')).toEqual(before);
    expect(await stored(ledger, 'u_8')).toMatchObject({
      message: '[erased]',
      target: { id: 'c_1' },
    });
  });

  test('no table, part or column has them afterwards, quarantine included', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    await ledger.insert([jane()]);
    await ledger.insert([jane(), ...others()]);
    await clickhouse.command(
      `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
       VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'not_json', 'x', 'mail jane@example.com', 'acme/person/u_9', {'ll-id': 'x'}),
              ('t', generateUUIDv4(), 0, 2, now64(3), 'not_json', 'x', 'other', 'k', {})`,
    );
    const { erased } = await erase(clickhouse, JANE);
    expect(erased).toMatchObject({ asParty: 2, namedOnly: 1, quarantined: 1 });
    const tables = await clickhouse.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    );
    for (const { name } of tables) {
      const [found] = await clickhouse.query<{ rows: string }>(
        `SELECT count() AS rows FROM ${name} WHERE match(toString(tuple(*)), {pattern:String})`,
        { params: { pattern: wordPattern(['jane@example.com', 'Jane Doe']) } },
      );
      expect([name, found?.rows]).toEqual([name, '0']);
    }
    const left = await clickhouse.query<{ message: string }>(
      'SELECT message FROM audit_quarantine ORDER BY kafka_offset',
    );
    expect(left.map(({ message }) => message)).toEqual(['', 'other']);
  });

  test('again erases what has come since, and nothing twice', async () => {
    const ledger = await ledgerForTest();
    await ledger.insert([jane()]);
    const first = await erase(ledger.clickhouse, JANE);
    expect((await erase(ledger.clickhouse, JANE)).erased).toMatchObject({
      asParty: 0,
      namedOnly: 0,
    });
    await ledger.insert([jane()]);
    expect((await erase(ledger.clickhouse, JANE)).erased).toMatchObject({ asParty: 1 });
    const [kept] = await ledger.clickhouse.query<{ rows: string }>(
      "SELECT count() AS rows FROM audit_events WHERE attributes['ledger.erased'] = {id:String}",
      { params: { id: first.id } },
    );
    expect(kept?.rows).toBe('1');
  });

  test('a hold forbids it until it is released; a tenant’s erasure leaves the others', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    await ledger.insert([jane()]);
    const hold = await placeHold(clickhouse, {
      query: 'actor:u_7',
      tenant: EVERY_TENANT,
      name: 'Case 17',
      owner: 'legal',
      reason: 'litigation',
      actor: 'ops-1',
    });
    await expect(erase(clickhouse, JANE)).rejects.toMatchObject({ code: 'ERASURE_HELD' });
    expect(await stored(ledger, 'u_7')).toMatchObject({ actor: { name: 'Jane Doe' } });
    expect((await erase(clickhouse, { ...JANE, tenant: 'other' })).erased.asParty).toBe(0);
    await releaseHold(clickhouse, { hold: hold.id, reason: 'closed', actor: 'ops-1' });
    const { erased } = await erase(clickhouse, JANE);
    expect(erased).toMatchObject({ asParty: 1, heldCopies: 1 });
  });

  test('what was erased is told also where events arrive meanwhile, and it was not all', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    await ledger.insert([jane()]);
    const busy = {
      ...clickhouse,
      command: async (...given: Parameters<typeof clickhouse.command>) => {
        await clickhouse.command(...given);
        if (given[0].includes('audit_events')) await ledger.insert([jane()]);
      },
    };
    await expect(erase(busy, JANE)).rejects.toMatchObject({
      code: 'ERASURE_INCOMPLETE',
      erasure: { remaining: 1, erased: { asParty: 1 } },
    });
    expect(await erase(clickhouse, JANE)).toMatchObject({ remaining: 0, erased: { asParty: 1 } });
  });

  test('what operators wrote about a person goes too, but for the query of a hold that holds', async () => {
    const { clickhouse } = await ledgerForTest();
    await clickhouse.command(
      `INSERT INTO audit_quarantine_resolutions (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, state, run_id, resolved_by, reason)
       VALUES ('t', generateUUIDv4(), 0, 1, 'discarded', generateUUIDv4(), 'ops-1', 'Jane Doe asked')`,
    );
    const hold = await placeHold(clickhouse, {
      query: 'target:person/jane@example.com',
      tenant: EVERY_TENANT,
      name: 'Doe, Jane Doe',
      owner: 'legal',
      reason: 'litigation',
      actor: 'ops-1',
    });
    await expect(erase(clickhouse, JANE)).rejects.toMatchObject({ code: 'ERASURE_HELD' });
    await releaseHold(clickhouse, { hold: hold.id, reason: 'Jane Doe won', actor: 'ops-1' });
    expect(await erase(clickhouse, JANE)).toMatchObject({ erased: { records: 3 }, remaining: 0 });
    const [left] = await clickhouse.query(
      `SELECT groupArray(name) AS names, groupArray(query) AS queries, groupArray(reason) AS reasons,
         (SELECT any(reason) FROM audit_quarantine_resolutions) AS resolved
       FROM (SELECT * FROM audit_holds ORDER BY at)`,
    );
    expect(left).toEqual({
      names: ['[erased]', ''],
      queries: ['[erased]', ''],
      reasons: ['litigation', '[erased]'],
      resolved: '[erased]',
    });
  });

  test('identifiers that would match what is not theirs are refused', async () => {
    const { clickhouse } = await ledgerForTest();
    const many = Array.from({ length: 51 }, () => 'u_7');
    for (const identifiers of [[], ['u'], [' u_7 '], ['a'.repeat(501)], many]) {
      await expect(erase(clickhouse, { ...JANE, identifiers })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
    }
  });

  test('named behind an escaped line end, or with escaped letters, in a text that another encoder wrote', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    const texts = [
      { data: '{"note":"Dear team,\\nu_7 has left"}' },
      { execution: '{"stdout":"a\\tjane@example.com"}' },
      { data: '{"note":"from Ren\\u00e9 O\\u0027Hara"}' },
      { data: '{"note":"from REN\\u00C9 O\'Hara"}' },
      { data: '{"note":"C:\\\\u_71, ren\\u00e9e"}' },
    ];
    for (const [at, text] of texts.entries()) {
      await ledger.insert([row({ actor_id: `by_${at}` })]);
      const [column, value] = Object.entries(text)[0] ?? [];
      await clickhouse.command(
        `ALTER TABLE audit_events UPDATE ${column} = {value:String} WHERE actor_id = {actor:String}`,
        { params: { value, actor: `by_${at}` }, settings: { mutations_sync: 2 } },
      );
    }
    await clickhouse.command(
      `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
       VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'invalid', 'key "jane@example.com" stands twice', {message:String}, '', {})`,
      { params: { message: '{"data":{"note":"Hello\\nRen\\u00e9 O\\u0027Hara"}}' } },
    );
    const { erased, remaining } = await erase(clickhouse, {
      identifiers: ['u_7', 'jane@example.com', "René O'Hara"],
      tenant: EVERY_TENANT,
    });
    expect({ named: erased.namedOnly, quarantined: erased.quarantined, remaining }).toEqual({
      named: 4,
      quarantined: 1,
      remaining: 0,
    });
    const [left] = await clickhouse.query<{ error: string }>('SELECT error FROM audit_quarantine');
    expect(left?.error).toBe('[erased]');
  });

  test('an event that came with the mark of an erasure is erased all the same', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    await ledger.insert([
      row({
        actor_id: 'u_7',
        actor_name: 'J. Doe',
        attributes: { 'ledger.erased': 'forged', 'ledger.redacted': 'jane@example.com' },
      }),
    ]);
    await clickhouse.command(
      `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
       VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'not_json', 'x', 'mail jane@example.com', '', {'ledger.erased': 'forged'})`,
    );
    const { id, erased } = await erase(clickhouse, JANE);
    expect(erased).toMatchObject({ asParty: 1, quarantined: 1 });
    const after = await stored(ledger, 'u_7');
    expect(after.actor.name).toBe('[erased]');
    expect(after.attributes).toEqual({ 'ledger.erased': id });
  });

  test('tables beside the ledger, as a rebuild leaves them, are named, erased and searched as well', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    await ledger.insert([jane(), ...others()]);
    for (const table of ['`events_2`', '`copy of "events"`']) {
      await clickhouse.command(`CREATE TABLE ${table} AS audit_events`);
      await clickhouse.command(`INSERT INTO ${table} SELECT * FROM audit_events`);
    }
    await clickhouse.command('TRUNCATE TABLE audit_events');
    const elsewhere = [
      { table: 'copy of "events"', events: 2 },
      { table: 'events_2', events: 2 },
    ];
    expect(await findTraces(clickhouse, JANE)).toMatchObject({ asParty: 0, elsewhere });
    const { erased, remaining } = await erase(clickhouse, JANE);
    expect({ erased, remaining }).toMatchObject({ erased: { elsewhere }, remaining: 0 });
    for (const { table } of elsewhere) {
      const left = await clickhouse.query<{ actor_name: string; message: string }>(
        `SELECT actor_name, message FROM \`${table}\` ORDER BY actor_id`,
      );
      expect(left.map(({ actor_name: name, message }) => name || message)).toEqual([
        '[erased]',
        'Bob',
        '[erased]',
      ]);
    }
  });

  test('a path that has their name as a key loses it, and keeps every other name', async () => {
    const ledger = await ledgerForTest();
    const { clickhouse } = ledger;
    const path = '/contacts/Jane@Example.com/phones/0';
    const changes = [
      { op: 'replace', path, old: '"1"', new: '"2"' },
      { op: 'add', path: '/by~1name/jane doe~1u_7/~0', old: '', new: '"x"' },
      { op: 'remove', path: '/contacts/mary-jane@example.com', old: '"3"', new: '' },
    ];
    await ledger.insert([row({ actor_id: 'u_9', changes })]);
    const identifiers = ['jane@example.com', 'Jane Doe/u_7'];
    const { erased, remaining } = await erase(clickhouse, { identifiers, tenant: EVERY_TENANT });
    expect({ named: erased.namedOnly, remaining }).toEqual({ named: 1, remaining: 0 });
    expect((await stored(ledger, 'u_9')).changes?.map((change) => change.path)).toEqual([
      '/contacts/[erased]/phones/0',
      '/by~1name/[erased]/~0',
      '/contacts/mary-jane@example.com',
    ]);
  });

  test('a message in quarantine keeps its producer’s number, which names nobody, however often it is erased', async () => {
    const { clickhouse } = await ledgerForTest();
    const producer = '0198c0de-0000-7000-8000-0000000000aa';
    const message = `{"producer_id":"${producer}","producer_seq":4711,"actor_name":"Jane Doe"}`;
    await clickhouse.command(
      `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
       VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'invalid', 'x 4711', {message:String}, 'k', {'ll-id': 'x'}),
              ('t', generateUUIDv4(), 0, 2, now64(3), 'not_json', 'x', 'Jane Doe', 'k', {'ledger.number': 'Jane Doe'})`,
      { params: { message } },
    );
    const first = await erase(clickhouse, JANE);
    // A customer number that is also a producer's number; by it, the error names the person.
    const again = await erase(clickhouse, { identifiers: ['4711'], tenant: EVERY_TENANT });
    expect([first.erased.quarantined, again.erased.quarantined]).toEqual([2, 1]);
    const left = await clickhouse.query<{ headers: object; message: string }>(
      'SELECT headers, message FROM audit_quarantine ORDER BY kafka_offset',
    );
    expect(left).toEqual([
      { message: '', headers: { 'ledger.erased': again.id, 'ledger.number': `${producer}_4711` } },
      { message: '', headers: { 'ledger.erased': first.id } },
    ]);
  });
});
