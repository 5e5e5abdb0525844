import { endianness } from 'node:os';

/** Milliseconds of a clock that is never set back. */
export type ElapsedMs = () => number;

/** A time to be written into: a number of its own would be a new object for each reading. */
export interface Moment {
  ms: number;
}

/** Writes what time it is. */
export type ReadClock = (into: Moment) => void;

/** Questions so close to each other are a burst. */
const BURST_MS = 1;
/** How many more questions of a burst one reading answers. */
const ANSWERS = 32;

/**
 * `performance.now()` for what is asked for each event: reading it costs as much as all else that a
 * limit does. In a burst one reading answers the next 32 questions, until the event loop has turned
 * and a millisecond is over. So it is behind by about that, or by 32 questions where the event loop
 * is held up, and never ahead.
 */
export function burstClock(read: ReadClock = readSystemClock): ElapsedMs {
  // Fractions from the start: V8 then keeps both in place.
  const now: Moment = { ms: -Infinity };
  const before: Moment = { ms: -Infinity };
  let answers = 0;
  let timer: NodeJS.Timeout | undefined;
  const forget = (): void => {
    answers = 0;
  };
  const readAnew = (): void => {
    before.ms = now.ms;
    read(now);
    if (now.ms - before.ms < BURST_MS) {
      answers = ANSWERS;
      timer = timer?.refresh() ?? setTimeout(forget, BURST_MS).unref();
    }
  };
  return () => {
    if (answers > 0) answers -= 1;
    else readAnew();
    return now.ms;
  };
}

const nanos = new BigInt64Array(1);
const halves = new Uint32Array(nanos.buffer);
const LOW = endianness() === 'LE' ? 0 : 1;
const HIGH = 1 - LOW;
/** Both clocks are one; `performance.now()` counts from when the process began. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * What goes straight into 64 bits and is read from there by halves is never a BigInt once it is compiled, and
 * allocates nothing, unlike the answers of `performance.now()` and `Number(bigint)`.
 */
function readSystemClock(into: Moment): void {
  nanos[0] = process.hrtime.bigint();
  into.ms = (halves[HIGH] ?? 0) * 4_294.967_296 + (halves[LOW] ?? 0) / 1e6 - ORIGIN_MS;
}
