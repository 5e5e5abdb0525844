/**
 * R-DLV-03: what waiting does not mend stops the workers, with a line that names the way out; nothing is
 * committed past it, so that after the mending new workers store every offset once.
 */
import { describe, expect, it } from 'vitest';
import { type EngineScene, engineScene } from '../support/engine-stage.ts';
import { FAULTLESS } from '../support/oracle.ts';
import { messages } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

interface Mistake {
  readonly name: string;
  readonly make: (on: EngineScene) => Promise<void> | void;
  readonly mend: (on: EngineScene) => Promise<void> | void;
  /** What the workers' last words have to name. */
  readonly wayOut: RegExp;
}

const passing = ({ proxy }: EngineScene): void => void proxy.treat(() => 'pass');

const mistakes: readonly Mistake[] = [
  {
    name: 'the table is missing',
    make: (on) => on.command('RENAME TABLE audit_events TO audit_events_elsewhere'),
    mend: (on) => on.command('RENAME TABLE audit_events_elsewhere TO audit_events'),
    wayOut: /ledgerline migrate/,
  },
  {
    name: 'the database is missing',
    make: (on) =>
      on.its.clickhouse.command(`RENAME DATABASE ${on.its.place.database} TO elsewhere`, {
        database: 'default',
      }),
    mend: (on) =>
      on.its.clickhouse.command(`RENAME DATABASE elsewhere TO ${on.its.place.database}`, {
        database: 'default',
      }),
    wayOut: /ledgerline migrate/,
  },
  {
    name: 'one column is missing',
    make: (on) => on.command('ALTER TABLE audit_events DROP COLUMN error_code'),
    mend: (on) =>
      on.command(
        'ALTER TABLE audit_events ADD COLUMN error_code LowCardinality(String) CODEC(ZSTD(1)) AFTER message',
      ),
    wayOut: /lacks a column.*ledgerline migrate/,
  },
  {
    name: 'the password has changed',
    make: (on) => on.restart('SIGTERM', 'another'),
    mend: (on) => on.restart('SIGTERM'),
    wayOut: /LEDGERLINE_CLICKHOUSE_PASSWORD/,
  },
  {
    // The engine's own answer to a user whose profile only lets it read: 164.
    name: 'the user may only read',
    make: ({ proxy }) => {
      const settings = { readonly: '1' };
      proxy.treat(({ isInsert }) => (isInsert ? { settings } : 'pass'));
    },
    mend: passing,
    wayOut: /readonly|setting/,
  },
  {
    name: 'the table was made read-only',
    make: (on) => on.command('ALTER TABLE audit_events MODIFY SETTING table_readonly = 1'),
    mend: (on) => on.command('ALTER TABLE audit_events MODIFY SETTING table_readonly = 0'),
    wayOut: /table_readonly/,
  },
  {
    // Some gateway's word, never ClickHouse's.
    name: 'a gateway wants credentials',
    make: ({ proxy }) => void proxy.treat(() => ({ status: 401 })),
    mend: passing,
    wayOut: /credentials/,
  },
];

describe('the workers stop, and say why', () => {
  it.each(mistakes)('when $name', async ({ make, mend, wayOut }) => {
    const on = await engineScene(stage);
    const { its } = on;
    const workers = await on.workers(2);
    const load = its.load(400);
    await until(
      'rows are stored',
      () => its.judge(),
      ({ stored }) => stored > 0,
    );
    await make(on);
    for (const worker of workers) {
      expect(await worker.exited).toEqual({ code: 1, signal: null });
      const fatal = worker
        .log()
        .split('\n')
        .find((line) => line.includes('TABLE_UNFIT'));
      expect(fatal).toMatch(wayOut);
      expect(fatal).toContain('start the worker again');
    }
    await load.stop();
    await mend(on);
    await on.workers(2);
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ quarantined: 0, stored: judgement.produced, ...FAULTLESS });
  });

  it('when they first take partitions over, and a table has gone since they looked', async () => {
    const on = await engineScene(stage);
    const { its, proxy } = on;
    await its.produce(messages(50));
    const gone = 'RENAME TABLE audit_quarantine TO audit_quarantine_elsewhere';
    let going: Promise<void> | undefined;
    proxy.treat(({ statement }) =>
      statement.includes('kafka_offset')
        ? { hold: (release) => void (going ??= on.command(gone)).then(release) }
        : 'pass',
    );
    const worker = its.worker({}, { clickhouseUrl: proxy.url });
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.log()).toMatch(/TABLE_UNFIT.*start the worker again.*Taking partitions over/);
    proxy.treat(() => 'pass');
    await on.command('RENAME TABLE audit_quarantine_elsewhere TO audit_quarantine');
    await on.workers(1);
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ quarantined: 0, stored: judgement.produced, ...FAULTLESS });
  });
});
