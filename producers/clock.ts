/** Microseconds since 1970-01-01T00:00:00Z; each answer is larger than the one before. */
export type Clock = () => number;

/** Where a clock reads from: the wall in milliseconds, and a counter that is never set back. */
interface TimeSource {
  readonly wallMs: () => number;
  readonly elapsedMs: () => number;
}

/**
 * Differences up to this between wall and counter are the wall's rounding or being slewed, and are
 * smoothed over. Larger ones are a clock that was put right, and are obeyed, backwards as well: an
 * audit trail that goes on for hours on a wrong time is worse than one step back, and
 * `producer_seq` keeps the order either way.
 */
const OBEYED_STEP_US = 1_000_000;

const SYSTEM_TIME: TimeSource = {
  wallMs: () => Date.now(),
  elapsedMs: () => performance.now(),
};

/**
 * A clock with microseconds, which JavaScript's own lacks, that ticks strictly upwards.
 *
 * @example
 * const clock = monotonicClock();
 * clock() < clock(); // always, unless someone set the system's clock back by more than a second
 */
export function monotonicClock(source: TimeSource = SYSTEM_TIME): Clock {
  const { wallMs, elapsedMs } = source;
  let anchor = (wallMs() - elapsedMs()) * 1000;
  let last = 0;
  return () => {
    const wall = wallMs() * 1000;
    let now = Math.floor(anchor + elapsedMs() * 1000);
    // The wall has whole milliseconds only: being at most one behind the counter is agreement.
    const drift = wall - now;
    if (drift > 1000 || drift < -2000) {
      anchor += drift;
      now = wall;
      if (-drift > OBEYED_STEP_US) last = 0;
    }
    last = now > last ? now : last + 1;
    return last;
  };
}
