import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { ClickHouse } from '../clickhouse/index.ts';
import { PROJECT_ROOT } from '../local/project-root.ts';

/** What the figures were taken on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly java: string;
  readonly kafka: string;
  readonly clickhouse: string;
}

export async function describeMachine(clickhouse: ClickHouse): Promise<Machine> {
  const pom = readFileSync(`${PROJECT_ROOT}/local/kafka/pom.xml`, 'utf8');
  const [engine] = await clickhouse.query<{ version: string }>('SELECT version() AS version');
  return {
    cpu: `${cpus()[0]?.model.trim() ?? 'unknown'}${generation()}`,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    java:
      /version "([^"]+)"/.exec(spawnSync('java', ['-version']).stderr.toString())?.[1] ?? 'unknown',
    kafka: /<artifactId>kafka_[^<]*<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1] ?? 'unknown',
    clickhouse: engine?.version ?? 'unknown',
  };
}

/** Virtual machines call many generations by one name. */
function generation(): string {
  if (process.platform !== 'linux') return '';
  const about = readFileSync('/proc/cpuinfo', 'utf8');
  const [family, model] = ['cpu family', 'model'].map(
    (field) => new RegExp(`^${field}\\s*: (\\d+)$`, 'm').exec(about)?.[1],
  );
  return family === undefined ? '' : ` (family ${family}, model ${model})`;
}
