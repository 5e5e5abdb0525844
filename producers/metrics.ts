import { Counter, Gauge, register, type Registry } from 'prom-client';
import { notStored, type Counts } from './counters.ts';
import type { Ledger } from './ledger.ts';

export interface MetricsOptions {
  /** prom-client's default registry when absent. */
  readonly registry?: Registry | undefined;
  /** Before every name; `ledgerline_`. */
  readonly prefix?: string | undefined;
}

/** Labels and value of one time series. */
type Series = readonly [labels: Readonly<Record<string, string>>, value: number];

/**
 * Shows a ledger's `stats()` as Prometheus metrics. They are read when somebody asks for them, and
 * are the same numbers as the ledger's own events have. One ledger for each registry and prefix.
 *
 * @example
 * ledgerMetrics(ledger);
 * app.get('/metrics', async (_, response) => response.send(await register.metrics()));
 */
export function ledgerMetrics(
  ledger: Pick<Ledger, 'stats'>,
  { registry = register, prefix = 'ledgerline_' }: MetricsOptions = {},
): void {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[], read: () => Series[]): void =>
    void new Counter({
      name: `${prefix}${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  const gauge = (name: string, help: string, labelNames: string[], read: () => Series[]): void =>
    void new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  const perCategory = (value: (counts: Counts) => number) => (): Series[] =>
    Object.entries(ledger.stats().byCategory).map(([category, counts]) => [
      { category },
      value(counts),
    ]);
  const category = ['category'];

  counter(
    'events_emitted_total',
    'Calls of emit, record and prepare.',
    category,
    perCategory(({ emitted }) => emitted),
  );
  counter(
    'events_prepared_total',
    'Events that prepare handed over.',
    category,
    perCategory(({ prepared }) => prepared),
  );
  counter(
    'events_stored_total',
    'Events that Kafka has.',
    category,
    perCategory(({ stored }) => stored),
  );
  counter(
    'events_not_stored_total',
    'Events that will not be stored, by cause.',
    ['category', 'cause'],
    () =>
      Object.entries(ledger.stats().byCategory).flatMap(([name, counts]) =>
        Object.entries(notStored(counts)).map(([cause, value]): Series => [
          { category: name, cause },
          value,
        ]),
      ),
  );
  counter(
    'events_filtered_by_rule_total',
    'Events that a rule or limit of the policy did not let pass.',
    ['rule'],
    () => Object.entries(ledger.stats().filteredByRule).map(([rule, count]) => [{ rule }, count]),
  );
  gauge('last_seq', 'The last producer_seq given.', [], () => [[{}, ledger.stats().lastSeq]]);
  gauge(
    'events_pending',
    'Events in memory or on disk that Kafka does not have yet.',
    category,
    perCategory(({ pending }) => pending),
  );
  counter('recovered_events_total', 'Events of earlier processes, by end.', ['end'], () => {
    const { taken, stored, pending } = ledger.stats().recovered;
    return [
      [{ end: 'stored' }, stored],
      [{ end: 'lost' }, taken - stored - pending],
    ];
  });
  gauge(
    'recovered_events_pending',
    'Events of earlier processes that were read and are not sent yet.',
    [],
    () => [[{}, ledger.stats().recovered.pending]],
  );
  gauge('buffer_events', 'Events in memory.', [], () => [[{}, ledger.stats().buffered.events]]);
  gauge('buffer_bytes', 'Bytes of events in memory.', [], () => [
    [{}, ledger.stats().buffered.bytes],
  ]);
  gauge('spool_bytes', 'Bytes of the files of the spool.', [], () => [
    [{}, ledger.stats().spool.bytes],
  ]);
}
