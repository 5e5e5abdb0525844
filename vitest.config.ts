import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // `*.long.test.ts` in test/faults takes minutes: `npm run test:faults` has its own configuration.
    exclude: ['dist/**', 'node_modules/**', 'test/faults/**/*.long.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores carry broker, engine and workers as well: more files at once only make each other late.
    maxWorkers: 2,
  },
});
