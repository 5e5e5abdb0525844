import { Gauge, Registry } from 'prom-client';
import type { SweepResult } from '../../clickhouse/index.ts';

/** A sweep's figures as Prometheus text. A sweep is a job that ends, so that a file is what is scraped. */
export async function metricsText(result: SweepResult): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number): void => {
    new Gauge({ name, help, registers: [registry] }).set(value);
  };
  gauge(
    'ledgerline_sweep_removed_rows',
    'Expired events that the last sweep removed',
    result.removedRows,
  );
  gauge(
    'ledgerline_sweep_left_rows',
    'Expired events that the last sweep left where they were',
    result.expiredRows - result.removedRows,
  );
  gauge(
    'ledgerline_sweep_duration_seconds',
    'How long the last sweep took',
    result.durationMs / 1000,
  );
  gauge(
    'ledgerline_sweep_finished_timestamp_seconds',
    'When the last sweep ended',
    Math.floor(Date.now() / 1000),
  );
  return registry.metrics();
}
