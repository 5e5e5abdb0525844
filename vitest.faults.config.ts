import { defineConfig } from 'vitest/config';

/** The whole fault suite, and all else that takes long: one file at a time, because moments matter in it. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts', 'test/**/*.long.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
});
