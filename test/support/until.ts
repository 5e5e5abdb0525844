/** Waits for a condition, never for a time: asks again until it holds, or fails with what it last saw. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = 'nothing';
  while (Date.now() < deadline) {
    const asked = Date.now();
    try {
      const answer = await ask();
      if (holds(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    // As long as the question took: what is waited for needs the machine as well.
    const pauseMs = Math.min(1_000, Math.max(100, Date.now() - asked));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new Error(
    `Not within ${timeoutMs} ms: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}
