import { UsageError } from '../failure.ts';

/** From when to when, in milliseconds since 1970; the end is not in it. */
export interface Period {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws UsageError for what is no time, or a period that ends before it begins */
export function periodOf(since: string, until: string | undefined, nowMs: number): Period {
  const sinceMs = timeOf('--since', since, nowMs);
  const untilMs = until === undefined ? nowMs : timeOf('--until', until, nowMs);
  if (sinceMs < untilMs) return { sinceMs, untilMs };
  throw new UsageError(
    '--since is not before --until.',
    'Swap them, or leave --until out for now.',
  );
}

/** `7d` is seven days before now; everything else is a date or an instant. */
export function timeOf(option: string, text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/u.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS[unit] ?? 0);
  const at = /^\d{4}-\d\d-\d\d(?:T.*)?$/u.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new UsageError(
    `${option} is no time.`,
    'Write a date (2026-11-01), an instant (2026-11-01T12:00:00Z), or how long ago (7d, 12h, 30m).',
  );
}
