import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ClickHouse, migrate, openClickHouse } from '../../clickhouse/index.ts';
import { startEngine } from '../../local/engine.ts';
import { freePort } from '../../local/free-port.ts';

export interface ClusterOfOne {
  readonly clickhouse: ClickHouse;
  readonly config: { readonly url: string; readonly database: string; readonly cluster: string };
}

const CLUSTER = 'audit';
const DATABASE = 'ledgerline';

/**
 * An engine that knows a cluster of one shard, itself, and has a keeper within it. It makes replicated
 * tables, but as a library never activates them, and runs no DDL `ON CLUSTER`: so those that workers
 * write to are plain ones here, under Distributed ones as on a cluster. The rest takes servers
 * (test/local/containers.test.ts).
 */
export async function clusterOfOne(): Promise<ClusterOfOne> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ledgerline-cluster-'));
  const [tcp, interserver] = [await freePort(), await freePort()];
  const configFile = join(dataDir, 'config.xml');
  await writeFile(
    configFile,
    `<clickhouse>
      <tcp_port>${tcp}</tcp_port>
      <interserver_http_host>127.0.0.1</interserver_http_host>
      <interserver_http_port>${interserver}</interserver_http_port>
      <macros><shard>1</shard><replica>a</replica></macros>
      <zookeeper><implementation>testkeeper</implementation></zookeeper>
      <remote_servers><${CLUSTER}><shard><internal_replication>true</internal_replication>
        <replica><host>127.0.0.1</host><port>${tcp}</port></replica>
      </shard></${CLUSTER}></remote_servers>
    </clickhouse>`,
  );
  const engine = await startEngine({ dataDir, configFile });
  const config = { url: engine.url, database: DATABASE, cluster: CLUSTER };
  const clickhouse = openClickHouse(config);
  onTestFinished(async () => {
    await clickhouse.close();
    // Replicated tables keep the engine from ending by itself.
    engine.kill('SIGKILL');
    await engine.exited;
    await rm(dataDir, { recursive: true, force: true });
  });
  await migrate(translating(clickhouse, (sql) => unreplicated(withoutCluster(sql))));
  return { clickhouse, config };
}

/** The statement for this engine alone; a path that it would have in common with others, by name. */
export const withoutCluster = (sql: string): string =>
  sql
    .replaceAll(` ON CLUSTER \`${CLUSTER}\``, '')
    .replace('{uuid}', /TABLE IF NOT EXISTS (\w+)/.exec(sql)?.[1] ?? '');

const unreplicated = (sql: string): string =>
  sql
    .replace(/ENGINE = Replicated(\w+)\('[^']*', '[^']*'\)/, 'ENGINE = $1')
    .replace('SETTINGS replicated_', 'SETTINGS non_replicated_')
    .replace(', replicated_deduplication_window =', ', non_replicated_deduplication_window =')
    .replace(/, replicated_deduplication_window_seconds = \d+/, '');

function translating(clickhouse: ClickHouse, translate: (sql: string) => string): ClickHouse {
  return { ...clickhouse, command: (sql, options) => clickhouse.command(translate(sql), options) };
}
