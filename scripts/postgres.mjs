#!/usr/bin/env node
// Finds PostgreSQL's server programs for the outbox's tests and prints their folder; where there are
// none, and apt-get is, unpacks Debian's packages into .local/postgres, which changes nothing of the
// machine. Says on stderr, in one line, why there is none, and ends with 1.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Session timeouts, which the relay asks for, came with 14. */
const OLDEST = 14;
const TIMEOUT_MS = 180_000;
const unpacked = join(dirname(dirname(fileURLToPath(import.meta.url))), '.local', 'postgres');

const say = (text) => process.stderr.write(`${text}\n`);

function fail(reason) {
  say(`no PostgreSQL server: ${reason}`);
  process.exit(1);
}

function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error) return { ok: false, text: `${command}: ${error.message}` };
  const last = stderr.trim().split('\n').at(-1);
  return status === 0 ? { ok: true, text: stdout } : { ok: false, text: `${command}: ${last}` };
}

/** Whether the folder has a server that is new enough. */
function serves(folder) {
  if (!existsSync(join(folder, 'initdb')) || !existsSync(join(folder, 'postgres'))) return false;
  // Debian's path says the version; elsewhere the program does.
  const said = /\/postgresql\/(\d+)\//.exec(folder)?.[1];
  const asked = () => / (\d+)/.exec(run(join(folder, 'initdb'), ['--version']).text)?.[1];
  return Number(said ?? asked()) >= OLDEST;
}

/** Debian keeps each version's programs apart, and out of the PATH. */
const versioned = (root) =>
  existsSync(root)
    ? readdirSync(root)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(root, version, 'bin'))
    : [];

const onPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'initdb'))
    .filter((file) => existsSync(file))
    .map((file) => dirname(realpathSync(file)));

const find = () =>
  [
    ...onPath(),
    ...versioned('/usr/lib/postgresql'),
    ...versioned(join(unpacked, 'usr/lib/postgresql')),
  ].find(serves);

/** `postgresql` depends on the release's version of it: `postgresql-15`. */
const packageName = () =>
  /Depends: (postgresql-\d+)/.exec(run('apt-cache', ['depends', 'postgresql']).text)?.[1];

function unpack() {
  if (!run('apt-get', ['--version']).ok) fail('it is not installed, and there is no apt-get.');
  if (packageName() === undefined) run('apt-get', ['-qq', 'update']);
  const server = packageName();
  if (server === undefined) fail('apt-get knows no package postgresql (apt-get update?).');
  say(`Fetching ${server} with apt-get …`);
  const wanted = run('apt-get', ['-qq', '--print-uris', 'install', server]);
  if (!wanted.ok) fail(wanted.text);
  // The server and the libraries that are missing; not the wrappers in Perl, nor LLVM for its JIT.
  const names = [...wanted.text.matchAll(/^'\S+\/([a-z0-9.+-]+)_[^/]*\.deb'/gm)]
    .map(([, name]) => name)
    .filter((name) => name === server || /^lib(?!llvm)(?!.*-perl$)/.test(name));
  const partial = `${unpacked}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const options = ['-qq', '-o', 'APT::Sandbox::User=root', 'download'];
  const fetched = run('apt-get', [...options, ...new Set([server, ...names])], partial);
  if (!fetched.ok) fail(fetched.text);
  for (const file of readdirSync(partial).filter((name) => name.endsWith('.deb'))) {
    const done = run('dpkg-deb', ['-x', file, '.'], partial);
    if (!done.ok) fail(done.text);
    rmSync(join(partial, file));
  }
  rmSync(unpacked, { recursive: true, force: true });
  renameSync(partial, unpacked);
}

// `--unpack` takes the packages' own even where the machine has a server: to see whether that works.
const given = process.argv.includes('--unpack') ? undefined : find();
if (given === undefined) unpack();
const found = given ?? versioned(join(unpacked, 'usr/lib/postgresql')).find(serves);
if (found === undefined) fail(`what apt-get offers is older than ${OLDEST}.`);
process.stdout.write(`${found}\n`);
