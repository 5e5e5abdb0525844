import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../cli/configuration/config-file.ts';
import { readEnvironment } from '../../cli/environment.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledgerline-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, name = 'ledgerline.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was wrong');
}

describe('R-DLV-06: a file of options', () => {
  it('says what the environment would, by the same names', () => {
    const path = file(`
# Comments are welcome.
LEDGERLINE_KAFKA_BROKERS: [kafka-1:9092, kafka-2:9092]
LEDGERLINE_BATCH_ROWS: 5000
LEDGERLINE_KAFKA_TLS: true
LEDGERLINE_CLICKHOUSE_DATABASE: audit
AUDIT_TRAIL_RETENTION_DAYS: 30
LEDGERLINE_OUTBOX_SCHEMA: null
`);
    const { worker, retention, outbox } = readEnvironment({ LEDGERLINE_CONFIG_FILE: path });
    expect(worker.kafka).toMatchObject({ brokers: ['kafka-1:9092', 'kafka-2:9092'], ssl: true });
    expect(worker.batch.maxRows).toBe(5000);
    expect(worker.clickhouse.database).toBe('audit');
    expect(retention.standardDays).toBe(30);
    expect(outbox.schema).toBe('public');
  });

  it('gives way to the environment, except where that is empty', () => {
    const path = file('LEDGERLINE_KAFKA_TOPIC: from.file\nLEDGERLINE_KAFKA_GROUP: from-file\n');
    const { worker } = readEnvironment({
      LEDGERLINE_CONFIG_FILE: path,
      LEDGERLINE_KAFKA_TOPIC: 'from.environment',
      LEDGERLINE_KAFKA_GROUP: '',
    });
    expect(worker.kafka).toMatchObject({ topic: 'from.environment', group: 'from-file' });
  });

  it('tells all faults at once, each with line and column, and none with a value', () => {
    const path = file(`LEDGERLINE_BATCH_ROWS: many
LEDGERLINE_KAFKA_BROKER: a:1
AUDIT_TRAIL_LEVEL: sometimes
LEDGERLINE_OUTBOX_POLL_MS: 1
LEDGERLINE_CLICKHOUSE_PASSWORD: { secret: hunter2 }
kafka:
  brokers: a:1
LEDGERLINE_KAFKA_TLS:
  hunter2
`);
    const message = messageOf(() =>
      readEnvironment({ LEDGERLINE_CONFIG_FILE: path, LEDGERLINE_LEASE_MS: 'soon' }),
    );
    expect(message).toMatch(/^8 faults in the configuration:/);
    for (const place of [
      `${path}:1:24 LEDGERLINE_BATCH_ROWS:`,
      `${path}:2:26 LEDGERLINE_KAFKA_BROKER: unknown option`,
      `${path}:3:20 AUDIT_TRAIL_LEVEL: must be one of`,
      `${path}:4:28 LEDGERLINE_OUTBOX_POLL_MS:`,
      `${path}:5:33 LEDGERLINE_CLICKHOUSE_PASSWORD: must be a text`,
      `${path}:6:1: this name is no option that a file can hold`,
      `${path}:9:3 LEDGERLINE_KAFKA_TLS: must be true or false`,
      '\n  LEDGERLINE_LEASE_MS:',
    ]) {
      expect(message).toContain(place);
    }
    expect(message).not.toContain('hunter2');
  });

  it('that is no YAML, no map or not there says so, without its text', () => {
    const said = messageOf(() => parseConfig('x.yaml', 'LEDGERLINE_A: "hunter2\nB: ]'));
    expect(said).toMatch(/x\.yaml:\d+:\d+: is not YAML \(/);
    expect(said).not.toContain('hunter2');
    expect(messageOf(() => parseConfig('x.yaml', '- a\n- b'))).toContain(
      'x.yaml:1:1: must be a map of options',
    );
    expect(messageOf(() => readEnvironment({ LEDGERLINE_CONFIG_FILE: '/nowhere.yaml' }))).toContain(
      'LEDGERLINE_CONFIG_FILE: names a file that cannot be read (ENOENT)',
    );
    expect(parseConfig('x.yaml', '').variables).toEqual({});
    expect(parseConfig('x.yaml', '{"LEDGERLINE_BATCH_ROWS": 10}').variables).toEqual({
      LEDGERLINE_BATCH_ROWS: '10',
    });
  });
});

describe('R-DLV-06: secrets and certificates', () => {
  it('are read from files that variables name, a line end left out', () => {
    const env = {
      LEDGERLINE_KAFKA_TLS: 'true',
      LEDGERLINE_KAFKA_TLS_CA_FILE: file('CA', 'ca.pem'),
      LEDGERLINE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      LEDGERLINE_KAFKA_SASL_USERNAME: 'worker',
      LEDGERLINE_KAFKA_SASL_PASSWORD_FILE: file('p w \n', 'kafka-password'),
      LEDGERLINE_CLICKHOUSE_URL: 'https://clickhouse:8443',
      LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: file('swordfish\r\n', 'clickhouse-password'),
      LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: file('CA2', 'ca2.pem'),
    };
    const { worker } = readEnvironment(env);
    expect(worker.kafka).toMatchObject({
      ssl: { ca: 'CA' },
      sasl: { mechanism: 'scram-sha-512', username: 'worker', password: 'p w ' },
    });
    expect(worker.clickhouse).toMatchObject({ password: 'swordfish', caCertificate: 'CA2' });
  });

  it('that contradict each other are all told, by name', () => {
    const message = messageOf(() =>
      readEnvironment({
        LEDGERLINE_KAFKA_TLS_CA_FILE: '/nowhere',
        LEDGERLINE_KAFKA_SASL_USERNAME: 'worker',
        LEDGERLINE_CLICKHOUSE_PASSWORD: 'swordfish',
        LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: file('', 'empty'),
        LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: '/nowhere',
      }),
    );
    expect(message.split('\n').slice(1)).toEqual([
      '  LEDGERLINE_KAFKA_TLS_CA_FILE: needs LEDGERLINE_KAFKA_TLS=true',
      '  LEDGERLINE_KAFKA_SASL_USERNAME: needs LEDGERLINE_KAFKA_SASL_MECHANISM',
      '  LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: and the password itself are given: leave one empty',
      '  LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: needs an https:// address in LEDGERLINE_CLICKHOUSE_URL',
      '  LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: names an empty file',
      '  LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: names a file that cannot be read (ENOENT)',
    ]);
    const sasl = messageOf(() =>
      readEnvironment({
        LEDGERLINE_KAFKA_TLS: 'true',
        LEDGERLINE_KAFKA_TLS_CERT_FILE: file('CERT', 'cert.pem'),
        LEDGERLINE_KAFKA_SASL_MECHANISM: 'gssapi',
      }),
    );
    expect(sasl).toContain('LEDGERLINE_KAFKA_TLS_CERT_FILE: needs LEDGERLINE_KAFKA_TLS_KEY_FILE');
    expect(sasl).toContain('LEDGERLINE_KAFKA_SASL_MECHANISM: must be one of plain, scram-sha-256');
    expect(sasl).toContain('LEDGERLINE_KAFKA_SASL_USERNAME: is required');
    expect(sasl).toContain(
      'LEDGERLINE_KAFKA_SASL_PASSWORD: or LEDGERLINE_KAFKA_SASL_PASSWORD_FILE',
    );
  });
});
