import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLedger, type LedgerOptions } from '../../producers/index.ts';
import { ledgerMetrics } from '../../producers/metrics.ts';
import type { PolicyDocument } from '../../schemas/index.ts';
import { memoryTransport } from '../../producers/testing.ts';
import { actor, catalog, lineLogger, update } from './catalog.ts';
import { newFolder } from './spool/folder.ts';

function ledgerOn(options: Partial<LedgerOptions<typeof catalog>> = {}) {
  const transport = memoryTransport();
  const ledger = createLedger({
    service: 'panel',
    catalog,
    transport,
    logger: lineLogger(),
    reportIntervalMs: 60_000,
    ...options,
  });
  onTestFinished(async () => void (await ledger.close()));
  const emit = ledger.emit.bind(ledger) as (type: string, input: unknown) => unknown;
  /** Something of everything that can become of an event. */
  const emitMany = (times: number): void => {
    for (let n = 0; n < times; n += 1) {
      ledger.emit('app.env_var.updated', update(n));
      ledger.emit('app.viewed', { actor, target: { id: 'a' } });
      ledger.emit('security.key.viewed', { actor, target: { id: 'k' } });
      ledger.emit('app.checked', { actor });
      emit('app.env_var.updated', { actor });
      emit('no.such.type', {});
    }
  };
  return { ledger, transport, emitMany };
}

type Report = Readonly<Record<string, unknown>> & {
  readonly lastSeq: number;
  readonly emitted: number;
  readonly stored: number;
  readonly pending: number;
  readonly notStored: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

const reportsIn = (transport: ReturnType<typeof memoryTransport>): Report[] =>
  transport
    .events()
    .filter(({ type }) => type === 'ledger.counters.reported')
    .map(({ data }) => data as unknown as Report);

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

describe('R-EDGE-10: the counters reach the ledger', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('at the start, every minute, at the close', async () => {
    const { ledger, transport } = ledgerOn();
    vi.advanceTimersByTime(125_000);
    await ledger.close();
    vi.advanceTimersByTime(125_000);
    const occasions = reportsIn(transport).map(({ occasion }) => occasion);
    expect(occasions).toEqual(['start', 'interval', 'interval', 'close']);
    expect(transport.events()[0]).toMatchObject({
      category: 'ledger',
      actor: { type: 'system', id: 'panel' },
      retentionClass: 'protected',
    });
  });

  test('from what is stored and the last report, every call of emit is accounted for', async () => {
    const { ledger, transport, emitMany } = ledgerOn({
      level: 'writes_only',
      excludeActions: ['health_check'],
      buffer: { maxEvents: 30 },
    });
    transport.refuse(({ key }) => key.endsWith('env_5'));
    emitMany(20);
    await ledger.flush();
    emitMany(7);
    await ledger.close();

    const last = reportsIn(transport).at(-1);
    if (last === undefined) throw new Error('no report');
    const rows = transport.events().filter(({ producer }) => producer?.id === ledger.producerId);
    const others = rows.filter(({ producer }) => (producer?.seq ?? 0) <= last.lastSeq);
    const causes = Object.values(last.notStored)
      .map(sum)
      .reduce((a, b) => a + b, 0);
    expect(last.pending).toBe(0);
    expect(others.length + causes).toBe(last.emitted);

    // And the gaps between the sequence numbers, by cause.
    const seqs = new Set(others.map(({ producer }) => producer?.seq));
    const gaps = Array.from({ length: last.lastSeq }, (_, n) => n + 1).filter((n) => !seqs.has(n));
    const of = (cause: string): number =>
      Object.values(last.notStored).reduce((total, counts) => total + (counts[cause] ?? 0), 0);
    expect(of('queue_full')).toBeGreaterThan(0);
    expect(of('refused')).toBeGreaterThan(0);
    expect(gaps).toHaveLength(of('queue_full') + of('refused'));
    expect(last.notStored).toMatchObject({
      app: { level: 27, excluded_action: 27, invalid: 27 },
      unknown: { unknown_type: 27 },
    });
  });

  test('what a close gives up is in its report, and what the next process recovers in that one’s', async () => {
    const directory = newFolder();
    const first = ledgerOn({ spool: { directory } });
    first.transport.fail();
    first.emitMany(3);
    expect(await first.ledger.close({ timeoutMs: 20 })).toMatchObject({ left: 6, spooled: 6 });

    const second = ledgerOn({ spool: { directory } });
    await second.ledger.flush();
    await second.ledger.close();
    const [start, end, ...own] = reportsIn(second.transport);
    expect(start).toMatchObject({ occasion: 'start', stored: 0 });
    expect(end).toMatchObject({
      occasion: 'close',
      lastSeq: 11,
      pending: 5,
      notStored: { app: { abandoned: 6, level: 3, invalid: 3 } },
    });
    expect(own.at(-1)).toMatchObject({
      recovered: { taken: 6, stored: 6, pending: 0, notStored: {} },
    });
  });

  test('where a close gives up and there is no disk, there is no last report, and no talk of a buffer', async () => {
    const logger = lineLogger();
    const errors: string[] = [];
    const onError = ({ code }: { readonly code: string }): void => void errors.push(code);
    const { ledger, transport } = ledgerOn({ logger, onError });
    transport.fail();
    ledger.emit('app.env_var.updated', update());
    expect(await ledger.close({ timeoutMs: 20 })).toMatchObject({ complete: false, left: 3 });
    expect(logger.lines).toEqual([
      'warn: no spool.directory: events that belong on disk wait in memory, and die with the process',
      'warn: events cannot be sent; they wait, and are tried again',
      'error: an event is not recorded; more like it are counted',
      'error: closed with events that were not delivered',
    ]);
    expect(errors).toEqual(['CLOSED', 'CLOSED', 'CLOSED']);
    expect(ledger.stats()).toMatchObject({ rejected: { queue_full: 0 }, lost: { abandoned: 3 } });
  });

  test('nothing is reported where everything is turned off, or nobody asked', async () => {
    const off = ledgerOn({ enabled: false });
    await off.ledger.close();
    const quiet = ledgerOn({ reportIntervalMs: undefined });
    await quiet.ledger.close();
    expect([...off.transport.messages, ...quiet.transport.messages]).toEqual([]);
  });
});

describe('R-EDGE-10: the counters reach Prometheus', () => {
  test('the metrics are the numbers of stats(), by category and cause', async () => {
    const directory = newFolder();
    const before = ledgerOn({ spool: { directory } });
    before.transport.fail();
    before.emitMany(2);
    await before.ledger.close({ timeoutMs: 20 });
    const policy: PolicyDocument = {
      version: 1,
      level: 'writes_only',
      rules: [
        {
          id: 'quiet-checks',
          owner: 'tests',
          reason: 'noise',
          expires: '2999-01-01T00:00:00Z',
          match: { type: 'app.checked' },
          action: 'drop',
        },
      ],
    };
    const { ledger, transport, emitMany } = ledgerOn({ spool: { directory }, policy });
    ledger.prepare('app.env_var.updated', update());
    const registry = new Registry();
    ledgerMetrics(ledger, { registry });
    emitMany(5);
    await ledger.flush();
    transport.hang();
    emitMany(1);
    onTestFinished(() => transport.recover());
    const stats = ledger.stats();
    const text = await registry.metrics();
    const valueOf = (series: string): number => {
      const line = text.split('\n').find((each) => each.startsWith(`${series} `));
      return Number(line?.slice(series.length));
    };
    for (const [category, counts] of Object.entries(stats.byCategory)) {
      const of = (name: string): number =>
        valueOf(`ledgerline_events_${name}{category="${category}"}`);
      expect([
        of('emitted_total'),
        of('prepared_total'),
        of('stored_total'),
        of('pending'),
      ]).toEqual([counts.emitted, counts.prepared, counts.stored, counts.pending]);
      for (const [cause, count] of Object.entries({
        ...counts.filtered,
        ...counts.rejected,
        ...counts.lost,
      })) {
        if (count === 0) continue;
        const series = `ledgerline_events_not_stored_total{category="${category}",cause="${cause}"}`;
        expect([series, valueOf(series)]).toEqual([series, count]);
      }
    }
    const quiet = 'ledgerline_events_filtered_by_rule_total{rule="quiet-checks"}';
    expect(valueOf(quiet)).toBe(stats.filteredByRule['quiet-checks']);
    expect(valueOf('ledgerline_last_seq')).toBe(stats.lastSeq);
    expect(valueOf('ledgerline_recovered_events_total{end="stored"}')).toBe(stats.recovered.stored);
    expect(valueOf('ledgerline_recovered_events_pending')).toBe(stats.recovered.pending);
    expect(stats).toMatchObject({
      prepared: 1,
      recovered: { stored: 5 },
      filteredByRule: { 'quiet-checks': 6 },
    });
    expect(valueOf('ledgerline_buffer_events')).toBe(stats.buffered.events);
    expect(valueOf('ledgerline_spool_bytes')).toBe(stats.spool.bytes);
    expect(stats.spool.bytes).toBeGreaterThan(0);
  });
});
