import fc from 'fast-check';
import { expect, test } from 'vitest';
import { monotonicClock } from '../../producers/clock.ts';

/** A wall and a counter that a test moves. */
function handMoved(startMs: number) {
  let wall = startMs;
  let elapsed = 0;
  return {
    source: { wallMs: () => Math.floor(wall), elapsedMs: () => elapsed },
    pass(ms: number) {
      wall += ms;
      elapsed += ms;
    },
    setWall(ms: number) {
      wall = ms;
    },
  };
}

const START_MS = Date.UTC(2026, 10, 22, 10);

test('R-REC-01: instants have microseconds and differ, however fast they are asked for', () => {
  const hands = handMoved(START_MS);
  const clock = monotonicClock(hands.source);
  const first = clock();
  expect(clock()).toBe(first + 1);
  hands.pass(0.25);
  expect(clock()).toBe(first + 250);
});

test('the clock never steps back and stays within a millisecond of the wall', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 5_000, noNaN: true })), (waits) => {
      const hands = handMoved(START_MS);
      const clock = monotonicClock(hands.source);
      let last = 0;
      for (const ms of waits) {
        hands.pass(ms);
        const now = clock();
        expect(now).toBeGreaterThan(last);
        expect(Math.abs(now - hands.source.wallMs() * 1000)).toBeLessThan(2_100 + waits.length);
        last = now;
      }
    }),
  );
});

test('a wall that is slewed by milliseconds does not turn the clock back', () => {
  const hands = handMoved(START_MS);
  const clock = monotonicClock(hands.source);
  hands.pass(500);
  const before = clock();
  hands.setWall(START_MS + 480);
  expect(clock()).toBe(before + 1);
});

test('a wall that was wrong by an hour is obeyed when it is put right, either way', () => {
  const hands = handMoved(START_MS);
  const clock = monotonicClock(hands.source);
  clock();
  hands.setWall(START_MS + 3_600_000);
  expect(clock()).toBe((START_MS + 3_600_000) * 1000);
  hands.setWall(START_MS);
  expect(clock()).toBe(START_MS * 1000);
});

test("the system's own clock is used when none is given", () => {
  const clock = monotonicClock();
  expect(Math.abs(clock() / 1000 - Date.now())).toBeLessThan(50);
});
