import { describe, expect, test } from 'vitest';
import {
  createLedger,
  DEFAULTS,
  LedgerlineError,
  openPublisher,
  optionsFromEnv,
} from '../../producers/index.ts';
import { memoryTransport } from '../../producers/testing.ts';
import { catalog } from './catalog.ts';

function faultOf(call: () => unknown): LedgerlineError {
  try {
    call();
  } catch (error) {
    if (error instanceof LedgerlineError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const create = createLedger as (options: unknown) => unknown;

describe('options of createLedger', () => {
  test('every fault is listed, none with its value', () => {
    const { code, message } = faultOf(() =>
      create({
        service: '',
        catalog: 'none',
        kafka: {
          brokers: ['localhost', 'tcp://b:9092'],
          sasl: { mechanism: 'magic', username: 'u', password: 5 },
          requestTimeoutMs: -1,
        },
        topic: 'no spaces',
        level: 'sometimes',
        buffer: { maxEvents: 0, maxByte: 1 },
        excludeActions: 'health_check',
        flushInterval: 5,
        onError: 'tell me',
        logger: {},
      }),
    );
    expect(code).toBe('CONFIG_INVALID');
    for (const path of [
      'service:',
      'catalog:',
      'kafka.brokers.0: must be host:port',
      'kafka.brokers.1: must be host:port',
      'kafka.sasl.mechanism:',
      'kafka.sasl.password:',
      'kafka.requestTimeoutMs:',
      'topic: must be a Kafka topic name',
      'level:',
      'buffer.maxEvents:',
      '"maxByte"',
      'excludeActions:',
      '"flushInterval"',
      'onError: must be a function',
      'logger: must have info, warn, error',
    ]) {
      expect(message).toContain(path);
    }
    expect(message).not.toContain('tcp://b');
    expect(message).not.toContain('sometimes');
  });

  test('what comes before a close by itself needs an occasion for one', () => {
    const transport = memoryTransport();
    const options = { service: 'x', catalog, transport, closeAfter: () => undefined };
    expect(faultOf(() => create(options)).message).toContain('closeAfter: comes before a close');
    const ledger = createLedger({ ...options, closeOn: ['SIGTERM'] });
    return ledger.close();
  });

  test('somewhere to send to is needed', () => {
    expect(faultOf(() => create({ service: 'x', catalog })).message).toContain('kafka:');
    expect(faultOf(() => create(undefined)).code).toBe('CONFIG_INVALID');
  });

  test('the publisher’s are checked the same way', async () => {
    const open = openPublisher as (options: unknown) => Promise<unknown>;
    await expect(open({ topic: '' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('defaults are the documented ones', () => {
    expect(DEFAULTS).toMatchObject({ topic: 'audit.events', level: 'writes_only' });
    const transport = memoryTransport();
    expect(() => createLedger({ service: 'x', catalog, transport })).not.toThrow();
  });
});

describe('R-EDGE-01, -02, -03, -04, -05: the environment', () => {
  test('nothing said', () => {
    const options = optionsFromEnv({ PATH: '/bin', AUDIT_TRAIL_LEVEL: '' });
    expect(options).toEqual({ kafka: { brokers: ['127.0.0.1:9092'] } });
    const ledger = createLedger({
      service: 'x',
      catalog,
      ...options,
      transport: memoryTransport(),
    });
    expect(ledger.stats().emitted).toBe(0);
  });

  test('what no variable says leaves in force what stands before it', () => {
    const own = { compression: 'lz4', topic: 'own', flushIntervalMs: 5 } as const;
    const said = optionsFromEnv({ LEDGERLINE_KAFKA_TOPIC: 'said' });
    expect({ ...own, ...said }).toEqual({
      ...own,
      topic: 'said',
      kafka: { brokers: ['127.0.0.1:9092'] },
    });
  });

  test('everything said', () => {
    expect(
      optionsFromEnv({
        AUDIT_TRAIL_ENABLED: 'false',
        AUDIT_TRAIL_LEVEL: 'all',
        AUDIT_TRAIL_EXCLUDE_ACTIONS: 'health_check, app.*,',
        AUDIT_TRAIL_EXCLUDE_RESOURCES: 'session',
        AUDIT_TRAIL_SAMPLE_RATE: '0.25',
        AUDIT_TRAIL_SAMPLE_READS: 'false',
        AUDIT_TRAIL_ASYNC: 'false',
        AUDIT_TRAIL_BUFFER_ENABLED: 'true',
        AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL: '30',
        AUDIT_TRAIL_BUFFER_MAX_SIZE: '500',
        LEDGERLINE_KAFKA_BROKERS: 'a:9092,b:9092',
        LEDGERLINE_KAFKA_TOPIC: 'audit',
        LEDGERLINE_KAFKA_COMPRESSION: 'lz4',
        AUDIT_TRAIL_RETENTION_DAYS: '30',
        LEDGERLINE_CLICKHOUSE_URL: 'http://127.0.0.1:8123',
      }),
    ).toEqual({
      enabled: false,
      level: 'all',
      excludeActions: ['health_check', 'app.*'],
      excludeResources: ['session'],
      sampling: { rate: 0.25, of: 'all' },
      async: false,
      flushIntervalMs: 30_000,
      batch: { maxEvents: 500 },
      kafka: { brokers: ['a:9092', 'b:9092'] },
      topic: 'audit',
      compression: 'lz4',
    });
  });

  test('R-EDGE-05: a rate alone samples reads, as SAMPLE_READS does unless it is false', () => {
    const { sampling } = optionsFromEnv({ AUDIT_TRAIL_SAMPLE_RATE: '0.1' });
    expect(sampling).toEqual({ rate: 0.1, of: 'reads' });
  });

  test('R-EDGE-04: without a buffer each event leaves at once, whatever interval is set', () => {
    const interval = { AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL: '30' };
    expect(optionsFromEnv({ AUDIT_TRAIL_BUFFER_ENABLED: 'false', ...interval })).toMatchObject({
      flushIntervalMs: 0,
    });
  });

  test('R-EDGE-07: a policy file is the policy; what else speaks of it is an error naming both', () => {
    const file = { AUDIT_TRAIL_POLICY_FILE: 'policy.yaml' };
    expect(optionsFromEnv({ ...file, AUDIT_TRAIL_ENABLED: 'false' })).toMatchObject({
      policy: 'policy.yaml',
      enabled: false,
    });
    const { message } = faultOf(() =>
      optionsFromEnv({ ...file, AUDIT_TRAIL_LEVEL: 'all', AUDIT_TRAIL_SAMPLE_READS: 'true' }),
    );
    expect(message).toContain('AUDIT_TRAIL_POLICY_FILE and AUDIT_TRAIL_LEVEL both say');
    expect(message).toContain('AUDIT_TRAIL_POLICY_FILE and AUDIT_TRAIL_SAMPLE_READS both say');
  });

  test('every fault at once, misspelt names among them', () => {
    const { code, message } = faultOf(() =>
      optionsFromEnv({
        AUDIT_TRAIL_ENABLE: 'true',
        AUDIT_TRAIL_ENABLED: 'yes',
        AUDIT_TRAIL_LEVEL: 'writes',
        AUDIT_TRAIL_SAMPLE_RATE: '1.5',
        AUDIT_TRAIL_BUFFER_ENABLED: 'false',
        AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL: '-1',
        AUDIT_TRAIL_BUFFER_MAX_SIZE: '2.5',
        LEDGERLINE_KAFKA_BROKER: 'a:9092',
        LEDGERLINE_KAFKA_BROKERS: ' , ',
        LEDGERLINE_KAFKA_COMPRESSION: 'brotli',
      }),
    );
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toContain('AUDIT_TRAIL_ENABLE is not a known variable');
    expect(message).toContain('LEDGERLINE_KAFKA_BROKER is not a known variable');
    expect(message).toContain('AUDIT_TRAIL_ENABLED must be true or false');
    expect(message).toContain('AUDIT_TRAIL_LEVEL must be one of all, writes_only');
    expect(message).toContain('LEDGERLINE_KAFKA_BROKERS must name a broker');
    expect(message).toContain('LEDGERLINE_KAFKA_COMPRESSION must be one of none, gzip, lz4, zstd');
    expect(message).toContain('AUDIT_TRAIL_SAMPLE_RATE must be 0, or from 0.000001 to 1');
    expect(message).toContain('AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL must be a number of seconds');
    expect(message).toContain('AUDIT_TRAIL_BUFFER_MAX_SIZE must be a whole number');
  });
});
