import { relative } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Files of ten seconds and more, the longest first. A name that is missing here costs time, and no more. */
const LONG = [
  'test/examples/demo.test.ts',
  'test/clickhouse/erasure.test.ts',
  'test/faults/worker-killed.test.ts',
  'test/clickhouse/unfinished-erasure.test.ts',
  'test/clickhouse/search/engine.test.ts',
  'test/cli/quarantine.test.ts',
  'test/clickhouse/turns.test.ts',
  'test/cli/stack.test.ts',
  'test/outbox/outages.test.ts',
  'test/clickhouse/detection/detectors.test.ts',
  'test/producers/spool/kill.test.ts',
  'test/cli/bad-input.test.ts',
  'test/consumers/verify.test.ts',
  'test/consumers/health.test.ts',
  'test/cli/end-to-end.test.ts',
  'test/clickhouse/retention/sweep.test.ts',
  'test/cli/retention.test.ts',
  'test/local/kafka.test.ts',
  'test/local/clickhouse-http.conformance.test.ts',
  'test/faults/engine-killed.test.ts',
  'test/clickhouse/migrate.test.ts',
  'test/cli/history.test.ts',
  'test/cli/policy.test.ts',
  'test/producers/documented.test.ts',
  'test/cli/search.test.ts',
  'test/cli/detect.test.ts',
  'test/producers/commands/execute.test.ts',
  'test/outbox/order.test.ts',
  'test/consumers/compression.test.ts',
];

/**
 * A long file that begins last keeps the run waiting with one process. Vitest knows how long files took
 * where it has run them before; in a fresh clone it knows their sizes, which say little.
 */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const ordered = await super.sort(files);
    // Projects stay together: a process that files share goes on with files of its own project alone.
    const projects = [...new Set(ordered.map(({ project }) => project.name))];
    return projects.flatMap((name) => {
      const own = ordered.filter(({ project }) => project.name === name);
      return own.sort((a, b) => this.#rank(a) - this.#rank(b));
    });
  }

  #rank({ moduleId }: TestSpecification): number {
    const at = LONG.indexOf(relative(this.ctx.config.root, moduleId));
    return at === -1 ? LONG.length : at;
  }
}
