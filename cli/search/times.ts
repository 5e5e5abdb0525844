/** Times as people read them. Pure. */

const STEPS = [
  { unit: 's', seconds: 1, below: 60 },
  { unit: 'min', seconds: 60, below: 3600 },
  { unit: 'h', seconds: 3600, below: 86_400 },
  { unit: 'd', seconds: 86_400, below: 86_400 * 60 },
  { unit: 'mo', seconds: 86_400 * 30, below: 86_400 * 730 },
  { unit: 'y', seconds: 86_400 * 365, below: Infinity },
] as const;

/**
 * How long ago something was.
 *
 * @example
 * relativeTime(Date.now() - 90_000, Date.now()); // '1 min ago'
 */
export function relativeTime(ms: number, nowMs: number): string {
  const past = nowMs - ms;
  const seconds = Math.floor(Math.abs(past) / 1000);
  if (seconds < 1) return 'now';
  const step = STEPS.find(({ below }) => seconds < below) ?? STEPS[STEPS.length - 1];
  const amount = `${Math.floor(seconds / (step?.seconds ?? 1))} ${step?.unit}`;
  return past < 0 ? `in ${amount}` : `${amount} ago`;
}

/** `2026-11-23 02:48:20`, as clocks in the zone show it. */
export function clockTime(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(ms);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`;
}
