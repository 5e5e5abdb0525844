/** Whether a worker can do its work just now, and if not, what stands in the way. Pure. */
export const CHECKS = ['assigned', 'kafka', 'clickhouse', 'migrations'] as const;
export type Check = (typeof CHECKS)[number];

export interface ReadinessFacts {
  /** A member of the group, with the partitions of the current generation (which may be none). */
  readonly joined: boolean;
  readonly stopping: boolean;
  /** Why Kafka, and ClickHouse, did not answer the last question; `undefined` when they did. */
  readonly kafkaProblem: string | undefined;
  readonly clickhouseProblem: string | undefined;
  /** `undefined` while ClickHouse was never asked. */
  readonly pendingMigrations: readonly string[] | undefined;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, { readonly ok: boolean; readonly problem?: string }>>;
}

/**
 * @example
 * readiness({ joined: false, stopping: false, … }).checks.assigned
 * // { ok: false, problem: 'is joining the group, or taking partitions over' }
 */
export function readiness(facts: ReadinessFacts): Readiness {
  const { joined, stopping, kafkaProblem, clickhouseProblem, pendingMigrations } = facts;
  const assigned = stopping
    ? 'is stopping'
    : joined
      ? undefined
      : 'is joining the group, or taking partitions over';
  const migrations =
    pendingMigrations === undefined
      ? 'ClickHouse was not asked yet'
      : pendingMigrations.length > 0
        ? `not applied: ${pendingMigrations.join(', ')}; run \`ledgerline migrate\``
        : undefined;
  const checks = {
    assigned: verdict(assigned),
    kafka: verdict(kafkaProblem),
    clickhouse: verdict(clickhouseProblem),
    migrations: verdict(migrations),
  };
  return { ready: CHECKS.every((check) => checks[check].ok), checks };
}

const verdict = (problem: string | undefined): { ok: boolean; problem?: string } =>
  problem === undefined ? { ok: true } : { ok: false, problem };
