/** A PostgreSQL server of a test's own: a new cluster in a temporary folder, on a free port of 127.0.0.1. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, cpSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { type Child, spawnChild } from '../../local/child.ts';
import { freePort } from '../../local/free-port.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { waitUntilReady } from '../../local/wait-until-ready.ts';

const FINDER = join(PROJECT_ROOT, 'scripts', 'postgres.mjs');
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'max_connections=200',
  // The oracle of what committed when.
  'track_commit_timestamp=on',
];

/** The folder of the server's programs, or why there is none; a suite without them names the reason. */
export const postgresPrograms: { readonly folder: string } | { readonly missing: string } = find();

function find(): typeof postgresPrograms {
  const { status, stdout, stderr } = spawnSync(process.execPath, [FINDER], { encoding: 'utf8' });
  return status === 0 ? { folder: stdout.trim() } : { missing: stderr.trim() };
}

export interface Postgres {
  readonly port: number;
  readonly password: string;
  /** Makes an empty database and answers its address, with the superuser's name and password. */
  database(): Promise<string>;
  /** As `kill -QUIT` would: no goodbye to clients, recovery at the next start. */
  crash(): Promise<void>;
  /** After a crash, on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  if ('missing' in postgresPrograms) throw new Error(postgresPrograms.missing);
  const home = mkdtempSync(join(tmpdir(), 'ledgerline-postgres-'));
  const user = unprivileged();
  if (user) chownSync(home, user.uid, user.gid);
  const programs = runnable(postgresPrograms.folder, home, user);
  // Where Debian's packages were unpacked rather than installed, their libraries are beside them.
  const libraries = join(programs, '../../../x86_64-linux-gnu').replace(
    'x86_64',
    process.arch === 'arm64' ? 'aarch64' : 'x86_64',
  );
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', LD_LIBRARY_PATH: libraries };
  const password = randomUUID();
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, password);
  const data = join(home, 'data');
  const made = spawnSync(
    join(programs, 'initdb'),
    [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { env, encoding: 'utf8', timeout: 30_000, ...user },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);

  const port = await freePort();
  const log = join(home, 'postgres.log');
  let server: Child;
  const address = (database: string): string =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  const start = async (): Promise<void> => {
    const lines = openSync(log, 'a');
    server = await spawnChild({
      command: join(programs, 'postgres'),
      args: ['-D', data, '-p', `${port}`, ...SETTINGS.flatMap((setting) => ['-c', setting])],
      stdio: ['ignore', lines, lines],
      env,
      user,
    });
    await waitUntilReady({
      what: 'PostgreSQL',
      address: `127.0.0.1:${port}`,
      child: server,
      timeoutMs: 30_000,
      probe: () => answers(address('postgres')),
      log,
    });
  };
  await start();
  return {
    port,
    password,
    async database() {
      const name = `outbox_${randomUUID().slice(0, 8)}`;
      await query(address('postgres'), `CREATE DATABASE ${name}`);
      return address(name);
    },
    async crash() {
      server.kill('SIGQUIT');
      await server.exited;
    },
    start,
    async stop() {
      server.kill('SIGINT');
      await server.stop(10_000);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** One statement on a connection of its own. */
export async function query<T extends object = Record<string, unknown>>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Without values, several statements are allowed.
    const { rows } =
      values.length === 0 ? await client.query(sql) : await client.query(sql, [...values]);
    return rows as T[];
  } finally {
    await client.end();
  }
}

const answers = (url: string): Promise<boolean> =>
  query(url, 'SELECT 1').then(
    () => true,
    () => false,
  );

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const name = id('-u', 'postgres') === undefined ? 'nobody' : 'postgres';
  return { uid: id('-u', name) ?? 65_534, gid: id('-g', name) ?? 65_534 };
}

function id(what: '-u' | '-g', name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [what, name], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

/** The programs, or a copy of them where the other user may not look: under /root, say. */
function runnable(folder: string, home: string, user: User | undefined): string {
  const { status } = spawnSync(join(folder, 'initdb'), ['--version'], { ...user });
  if (status === 0) return folder;
  // …/usr/lib/postgresql/15/bin: initdb finds its share folder from there.
  const usr = dirname(dirname(dirname(dirname(folder))));
  cpSync(usr, join(home, 'usr'), { recursive: true });
  return join(home, 'usr', folder.slice(usr.length));
}
