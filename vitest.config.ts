import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './test/support/long-files-first.ts';

/** What changes its own process: signals, clocks, contexts, modules that are mocked. Each file gets a fresh one. */
const APART = [
  'test/producers/{closing,kafka,ledger,report,sender,sent-together,signals}.test.ts',
  'test/producers/{context,testing}/**/*.test.ts',
  'test/producers/commands/audited.test.ts',
  'test/producers/spool/{fsync,full-disk,spool}.test.ts',
  'test/consumers/outages.test.ts',
  'test/docs/commands.test.ts',
];
// What takes long, faults above all, has a run of its own: `npm run test:faults`.
const ELSEWHERE = ['dist/**', 'node_modules/**', 'test/**/*.long.test.ts'];
const LIMITS = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores carry broker, engine and workers as well; a third file is for when others wait for those.
    maxWorkers: 3,
    sequence: { sequencer: LongFilesFirst },
    projects: [
      { test: { ...LIMITS, name: 'apart', include: APART, exclude: ELSEWHERE } },
      {
        test: {
          ...LIMITS,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...ELSEWHERE, ...APART],
          // Loading everything anew for every file takes a tenth of the whole run's time.
          isolate: false,
        },
      },
    ],
  },
});
