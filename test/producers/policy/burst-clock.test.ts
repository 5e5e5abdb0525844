import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { burstClock } from '../../../producers/policy/burst-clock.ts';

function counted() {
  const source = { ms: 0, readings: 0 };
  const clock = burstClock((into) => {
    source.readings += 1;
    into.ms = source.ms;
  });
  return { source, clock };
}

describe('R-EDGE-07: the clock of rate limits', () => {
  test('says what performance.now() says', () => {
    const clock = burstClock();
    const before = performance.now();
    const said = clock();
    const after = performance.now();
    // What they count from was read one after the other, between which a busy machine may have paused.
    expect(said).toBeGreaterThan(before - 100);
    expect(said).toBeLessThan(after + 100);
  });

  test('questions that are apart are each answered with a reading of their own', () => {
    const { source, clock } = counted();
    const answers = [0, 1, 2.5, 100, 10_000].map((ms) => {
      source.ms = ms;
      return clock();
    });
    expect(answers).toEqual([0, 1, 2.5, 100, 10_000]);
  });

  test('in a burst one reading answers many, and is never ahead', () => {
    const { source, clock } = counted();
    for (let n = 0; n < 3_300; n += 1) {
      source.ms += 0.001;
      const answer = clock();
      expect(answer).toBeLessThanOrEqual(source.ms);
      expect(answer).toBeGreaterThan(source.ms - 0.05);
    }
    expect(source.readings).toBeLessThan(110);
  });

  test('while the event loop is held up, 32 questions at most are answered with what was', () => {
    const { source, clock } = counted();
    clock();
    clock();
    source.ms = 5_000;
    const late = Array.from({ length: 100 }, clock).filter((answer) => answer < 5_000);
    expect(late).toHaveLength(32);
  });

  test('a burst that is over is forgotten as soon as the event loop turns', async () => {
    const { source, clock } = counted();
    clock();
    clock();
    source.ms = 60_000;
    const deadlineMs = performance.now() + 10_000;
    let questions = 0;
    for (; clock() < 60_000 && performance.now() < deadlineMs; questions += 1) await wait(10);
    expect(questions).toBeLessThan(32);
    expect(clock()).toBe(60_000);
  });
});
