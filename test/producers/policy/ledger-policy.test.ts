import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createLedger,
  LedgerlineError,
  optionsFromEnv,
  type LedgerOptions,
  type PolicyDocument,
} from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { actor, catalog, lineLogger, update } from '../catalog.ts';

const folders: string[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function policyFile(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-policy-'));
  folders.push(folder);
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, text);
  /** As deployments do it: written beside, then put in place at once. */
  const replace = (next: string): void => {
    writeFileSync(`${path}.new`, next);
    renameSync(`${path}.new`, path);
  };
  return { path, replace };
}

function ledgerOn(options: Partial<LedgerOptions<typeof catalog>>) {
  const transport = memoryTransport();
  const logger = lineLogger();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger,
    reportIntervalMs: 3_600_000,
    ...options,
  });
  const changes = () => transport.events().filter(({ type }) => type === 'ledger.policy.changed');
  return { ledger, transport, logger, changes };
}

const view = { actor, target: { id: 'app_1' } } as const;
const about = { owner: 'platform', reason: 'a test' } as const;

describe('R-EDGE-07: a policy in force', () => {
  test('its decision is on the event and on the receipt, and is counted by rule', async () => {
    const policy: PolicyDocument = {
      version: 1,
      level: 'all',
      rules: [
        {
          ...about,
          id: 'no-views',
          expires: 'never',
          match: { type: 'app.viewed' },
          action: 'drop',
        },
        {
          ...about,
          id: 'one-each',
          expires: 'never',
          match: { operation: 'update' },
          action: 'limit',
          limit: { events: 1, seconds: 3_600, per: 'target' },
        },
      ],
    };
    const { ledger, transport } = ledgerOn({ policy });
    expect(ledger.emit('app.viewed', view)).toEqual({
      status: 'filtered',
      cause: 'rule',
      rule: 'no-views',
    });
    expect(ledger.emit('app.env_var.updated', update(1))).toMatchObject({ status: 'accepted' });
    expect(ledger.emit('app.env_var.updated', update(1))).toEqual({
      status: 'filtered',
      cause: 'rate_limited',
      rule: 'one-each',
    });
    expect(ledger.emit('app.env_var.updated', update(2))).toMatchObject({ status: 'accepted' });
    expect(ledger.stats().filteredByRule).toEqual({ 'no-views': 1, 'one-each': 1 });
    expect(ledger.stats().byCategory['app']?.filtered).toMatchObject({ rule: 1, rate_limited: 1 });
    await ledger.close();
    const events = transport.events().filter(({ category }) => category === 'app');
    expect(events.map(({ policy: stamp }) => stamp)).toEqual([
      { level: 'all', rule: 'one-each', weight: 1 },
      { level: 'all', rule: 'one-each', weight: 1 },
    ]);
  });

  test('R-EDGE-05: sampling follows the context’s correlation id, and the event’s own id', async () => {
    const { ledger, transport } = ledgerOn({
      level: 'all',
      sampling: { rate: 0.5, of: 'all' },
    });
    for (let n = 0; n < 50; n += 1) {
      const statuses = ledger.run({ correlationId: `req_${n}` }, () => [
        ledger.emit('app.viewed', view).status,
        ledger.emit('app.env_var.updated', update(n)).status,
      ]);
      expect(new Set(statuses).size).toBe(1);
      ledger.emit('app.viewed', view);
    }
    await ledger.close();
    const { filtered } = ledger.stats();
    const kept = transport.events().filter(({ category }) => category === 'app');
    expect(kept.length + filtered.sampled_out).toBe(150);
    expect(kept.every(({ policy }) => policy?.weight === 2)).toBe(true);
  });

  test('what is recorded at the start: hash, level, the policy itself, and from which number on', async () => {
    const policy: PolicyDocument = { version: 1, level: 'all' };
    const { ledger, changes } = ledgerOn({ policy });
    await ledger.close();
    expect(changes()).toMatchObject([
      {
        category: 'ledger',
        producer: { id: ledger.producerId, seq: 1 },
        data: {
          cause: 'start',
          enabled: true,
          level: 'all',
          fromSeq: 1,
          policyHash: expect.stringMatching(/^[0-9a-f]{64}$/u) as string,
          policy: { version: 1, level: 'all', rules: [] },
        },
      },
    ]);
  });

  test('the few words of options, the variables and a file are the same policy', async () => {
    const { path } = policyFile(
      'version: 1\nlevel: mutations_only\nexclude: {actions: [health_check], resources: [session]}\nsampling: {rate: 0.1, of: all}\n',
    );
    const words = {
      level: 'mutations_only',
      excludeActions: ['health_check'],
      excludeResources: ['session'],
      sampling: { rate: 0.1, of: 'all' },
    } as const;
    const variables = optionsFromEnv({
      AUDIT_TRAIL_LEVEL: 'mutations_only',
      AUDIT_TRAIL_EXCLUDE_ACTIONS: 'health_check',
      AUDIT_TRAIL_EXCLUDE_RESOURCES: 'session',
      AUDIT_TRAIL_SAMPLE_RATE: '0.1',
      AUDIT_TRAIL_SAMPLE_READS: 'false',
    });
    const hashes = [];
    for (const options of [words, variables, { policy: path }]) {
      const { ledger, changes } = ledgerOn(options);
      await ledger.close();
      hashes.push(changes()[0]?.data?.['policyHash']);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  test('the kill switch outranks a policy, even one that cannot be read, and nothing is recorded of it', async () => {
    const missing = '/no/such/policy.yaml';
    const { ledger, transport, logger } = ledgerOn({ policy: missing, enabled: false });
    expect(ledger.emit('app.env_var.updated', update())).toMatchObject({ cause: 'disabled' });
    await ledger.close();
    expect(transport.events()).toEqual([]);
    expect(logger.lines[0]).toContain('DISABLED');
  });

  test('a faulty policy stops the start, with every fault and its place', () => {
    const { path } = policyFile(
      'version: 1\nrules:\n  - {id: a, owner: o, reason: r, expires: never, match: {category: security}, action: drop}\n  - {id: b, owner: o, reason: r, expires: never, match: {type: app.gone}, action: drop}\n',
    );
    const error = thrownBy(() => ledgerOn({ policy: path }));
    expect(error.code).toBe('POLICY_INVALID');
    expect(error.message).toContain(`${path} cannot be used:`);
    expect(error.message).toContain('line 3, column 68: rules[0].match.category matches security');
    expect(error.message).toContain('line 4, column 64: rules[1].match.type[0] is no type');
    expect(thrownBy(() => ledgerOn({ policy: join(path, 'none') })).code).toBe('POLICY_INVALID');
    expect(thrownBy(() => ledgerOn({ policy: path, level: 'all' })).message).toContain(
      'level: policy says what is kept',
    );
  });
});

function thrownBy(call: () => unknown): LedgerlineError {
  try {
    call();
  } catch (error) {
    if (error instanceof LedgerlineError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('R-EDGE-07: reload without restart', () => {
  const until = (holds: () => void) => vi.waitFor(holds, { timeout: 10_000, interval: 20 });

  test('a new version comes into force between two events; none is lost, none is doubled', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const { ledger, transport, changes } = ledgerOn({ policy: path });
    let emitted = 0;
    const keepEmitting = setInterval(() => {
      ledger.emit('app.viewed', view);
      emitted += 1;
    }, 1);
    await until(() => expect(transport.messages.length).toBeGreaterThan(20));
    replace('version: 1\nlevel: writes_only\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.stats().filtered.level).toBeGreaterThan(20));
    clearInterval(keepEmitting);
    await ledger.close();

    const [start, change] = changes();
    expect(change?.data).toMatchObject({
      cause: 'reload',
      level: 'writes_only',
      previousHash: start?.data?.['policyHash'],
    });
    const fromSeq = change?.data?.['fromSeq'] as number;
    expect(change?.producer?.seq).toBe(fromSeq);
    const views = transport.events().filter(({ type }) => type === 'app.viewed');
    expect(views.every(({ producer }) => (producer?.seq ?? 0) < fromSeq)).toBe(true);
    const { filtered } = ledger.stats();
    expect(views.length + filtered.level).toBe(emitted);
    const seqs = transport.events().map(({ producer }) => producer?.seq ?? 0);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(seqs.map((_, index) => index + 1));
  });

  test('a change of the file is noticed without a signal', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const { ledger } = ledgerOn({ policy: path });
    expect(ledger.emit('app.viewed', view)).toMatchObject({ status: 'accepted' });
    replace('version: 1\nlevel: deletes_only\n');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('filtered'));
    await ledger.close();
  });

  test('a bad version is refused, told once, and the one before stays', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const { ledger, logger, changes } = ledgerOn({ policy: path });
    const refused = () => logger.lines.filter((line) => line.includes('is refused'));
    replace('version: 1\nlevel: everything\n');
    for (let n = 0; n < 5; n += 1) process.emit('SIGHUP');
    await until(() => expect(refused()).toHaveLength(1));
    expect(ledger.emit('app.viewed', view)).toMatchObject({ status: 'accepted' });
    replace(
      'version: 1\nrules: [{id: a, owner: o, reason: r, expires: never, match: {type: app.x}, action: drop}]\n',
    );
    process.emit('SIGHUP');
    await until(() => expect(refused()).toHaveLength(2));
    rmSync(path);
    process.emit('SIGHUP');
    await until(() => expect(refused()).toHaveLength(3));
    replace('# the same again\nversion: 1\nlevel: all\n');
    process.emit('SIGHUP');
    replace('version: 1\nlevel: failures_only\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('filtered'));
    await ledger.close();
    expect(changes().map(({ data }) => data?.['level'])).toEqual(['all', 'failures_only']);
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });

  test('a logger that throws does no harm, in the background neither', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const fail = (): never => {
      throw new Error('the disk of the log is full');
    };
    const { ledger } = ledgerOn({ policy: path, logger: { info: fail, warn: fail, error: fail } });
    replace('version: 0\n');
    process.emit('SIGHUP');
    replace('version: 1\nlevel: deletes_only\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('filtered'));
    await ledger.close();
  });

  test('turning recording off is the last thing recorded, turning it on the first', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const { ledger, logger, changes } = ledgerOn({ policy: path });
    replace('version: 1\nlevel: all\nenabled: false\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('filtered'));
    replace('version: 1\nlevel: all\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('accepted'));
    await ledger.close();
    expect(changes().map(({ data }) => data?.['enabled'])).toEqual([true, false, true]);
    expect(logger.lines.filter((line) => line.includes('in force'))).toEqual([
      'warn: another policy is in force: auditing is DISABLED by it',
      'info: another policy is in force',
    ]);
  });

  test('a change that finds no room is recorded as soon as there is some', async () => {
    const { path, replace } = policyFile('version: 1\nlevel: all\n');
    const { ledger, transport, changes } = ledgerOn({
      policy: path,
      buffer: { maxEvents: 2 },
    });
    await until(() => expect(changes()).toHaveLength(1));
    transport.fail();
    while (ledger.emit('app.viewed', view).status === 'accepted');
    replace('version: 1\nlevel: deletes_only\n');
    process.emit('SIGHUP');
    await until(() => expect(ledger.emit('app.viewed', view).status).toBe('filtered'));
    const seqThen = Number(changes().length);
    expect(seqThen).toBe(1);
    transport.recover();
    await until(() => expect(changes()).toHaveLength(2));
    const change = changes()[1];
    expect(change?.data?.['fromSeq']).toBeLessThanOrEqual(change?.producer?.seq ?? 0);
    await ledger.close();
  });
});

describe('R-EDGE-07: rules expire', () => {
  test('while the service runs, with one warning, and as a recorded change', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    vi.setSystemTime('2026-11-22T23:59:58Z');
    const policy: PolicyDocument = {
      version: 1,
      level: 'all',
      rules: [
        {
          ...about,
          id: 'until-tonight',
          expires: '2026-11-22',
          match: { type: 'app.viewed' },
          action: 'drop',
        },
      ],
    };
    const { ledger, logger, changes } = ledgerOn({ policy });
    expect(ledger.emit('app.viewed', view)).toMatchObject({ cause: 'rule' });
    vi.advanceTimersByTime(5_000);
    expect(ledger.emit('app.viewed', view)).toMatchObject({ status: 'accepted' });
    vi.advanceTimersByTime(5_000);
    expect(logger.lines.filter((line) => line.includes('expired'))).toEqual([
      'warn: the rule "until-tonight" has expired and no longer applies',
    ]);
    vi.useRealTimers();
    await ledger.close();
    expect(changes().map(({ data }) => [data?.['cause'], data?.['expiredRules']])).toEqual([
      ['start', undefined],
      ['expiry', ['until-tonight']],
    ]);
  });

  test('one that had expired before the start is named once', async () => {
    const policy: PolicyDocument = {
      version: 1,
      rules: [
        { ...about, id: 'old', expires: '2020-01-01', match: { type: 'app.*' }, action: 'drop' },
      ],
    };
    const { ledger, logger } = ledgerOn({ policy });
    expect(ledger.emit('app.env_var.updated', update())).toMatchObject({ status: 'accepted' });
    await ledger.close();
    expect(logger.lines.filter((line) => line.includes('no longer applies'))).toHaveLength(1);
  });
});

test('R-EDGE-10: a limit that turns events away is one line when it begins and one when it ends', async () => {
  const policy: PolicyDocument = {
    version: 1,
    limits: { default: { events: 1, seconds: 3_600 }, protected: { events: 1, seconds: 3_600 } },
  };
  const { ledger, logger } = ledgerOn({ policy });
  for (let n = 0; n < 10; n += 1) {
    ledger.emit('app.env_var.updated', update(n));
    ledger.emit('security.key.viewed', { actor, target: { id: 'k_1' } });
  }
  await ledger.close();
  expect(ledger.stats().filteredByRule).toEqual({ 'limits.default': 9, 'limits.protected': 9 });
  const lines = logger.lines.filter((line) => line.includes('limit'));
  expect(lines).toEqual([
    'warn: the limit "limits.default" turns events away; they are counted',
    'warn: the limit "limits.default" turned events away, and has ended',
    'warn: the limit "limits.protected" turns events away; they are counted',
    'warn: the limit "limits.protected" turned events away, and has ended',
  ]);
});
