import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What takes long, faults above all, has a run of its own: `npm run test:faults`.
    exclude: ['dist/**', 'node_modules/**', 'test/**/*.long.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores carry broker, engine and workers as well: more files at once only make each other late.
    maxWorkers: 2,
  },
});
