/** Milliseconds of a clock that is never set back. */
export type ElapsedMs = () => number;

/** Questions so close to each other are a burst. */
const BURST_MS = 1;
/** How many more questions of a burst one reading answers. */
const ANSWERS = 32;

/**
 * `performance.now()` for what is asked for each event: reading it costs as much as all else that a
 * limit does, and Node allocates the answer. In a burst one reading answers the next 32 questions,
 * until the event loop has turned and a millisecond is over. So it is behind by about that, or by
 * 32 questions where the event loop is held up, and never ahead.
 */
export function burstClock(read: ElapsedMs = () => performance.now()): ElapsedMs {
  let ms = -Infinity;
  let answers = 0;
  let timer: NodeJS.Timeout | undefined;
  const forget = (): void => {
    answers = 0;
  };
  const readAnew = (): void => {
    const now = read();
    if (now - ms < BURST_MS) {
      answers = ANSWERS;
      timer = timer?.refresh() ?? setTimeout(forget, BURST_MS).unref();
    }
    ms = now;
  };
  return () => {
    if (answers > 0) answers -= 1;
    else readAnew();
    return ms;
  };
}
