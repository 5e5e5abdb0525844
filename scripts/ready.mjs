#!/usr/bin/env node
// Makes a fresh clone runnable: installs packages, fetches Kafka's jars, compiles. Each step is
// skipped when what it makes is newer than what it is made from, so running it again is cheap.
// Everything it says goes to stderr: stdout belongs to the command that follows.
// Plain JavaScript with no imports of ours, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const withKafka = !process.argv.includes('--no-kafka');

const say = (text) => process.stderr.write(`${text}\n`);

function fail(what, wayOut) {
  say(`ready: ${what}\n       ${wayOut}`);
  process.exit(1);
}

function run(command, args, wayOut) {
  // The child's stdout is sent to our stderr (fd 2) for the reason given above.
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.error) fail(`cannot run ${command} (${done.error.code})`, wayOut);
  if (done.status !== 0) fail(`${command} ${args.join(' ')} ended with ${done.status}`, wayOut);
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function newestSource(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(path));
    else if (entry.name.endsWith('.ts')) newest = Math.max(newest, modified(path));
  }
  return newest;
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old`, 'Ledgerline needs Node 20.19 or newer.');
}

if (modified(at('node_modules/.package-lock.json')) < modified(at('package-lock.json'))) {
  say('Installing packages …');
  // Not `npm ci`: it refuses a lock file without the binaries of platforms that the registry at hand
  // does not carry. --no-save leaves the lock file as it is.
  const flags = ['--no-save', '--no-audit', '--no-fund'];
  run('npm', ['install', ...flags], 'npm could not install what package-lock.json names.');
}

const jars = at('.local/kafka/libs');
if (withKafka && modified(jars) < modified(at('local/kafka/pom.xml'))) {
  say('Fetching Apache Kafka with Maven …');
  const partial = at('.local/kafka/libs.partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  run(
    'mvn',
    [
      '-q',
      '-B',
      '-f',
      at('local/kafka/pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${partial}`,
    ],
    'The local stack needs Maven and a JVM 17 or newer: install them (Debian: apt-get install maven openjdk-17-jre-headless).',
  );
  rmSync(jars, { recursive: true, force: true });
  renameSync(partial, jars);
}

const sources = [
  'schemas',
  'producers',
  'outbox',
  'consumers',
  'clickhouse',
  'local',
  'cli',
  'examples',
  'bench',
  // The soak uses what the fault tests use.
  'test/support',
];
const newest = Math.max(
  ...sources.map((folder) => newestSource(at(folder))),
  modified(at('tsconfig.json')),
  modified(at('package-lock.json')),
);
if (modified(at('dist/.tsbuildinfo')) < newest) {
  say('Compiling …');
  run(
    process.execPath,
    [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'],
    'The sources do not compile: see above.',
  );
}

// A convenience: without it every broker starts in twice the time, so that a failure is no reason to stop.
const classes = at('.local/kafka/classes.jsa');
if (withKafka && modified(classes) < modified(jars)) {
  say('Starting Kafka once, so that it starts in half of the time from now on …');
  const program = at('dist/local/kafka/write-class-archive.js');
  // One of former jars is of no use; where none can be made, an empty file says that it was tried.
  rmSync(classes, { force: true });
  spawnSync(process.execPath, [program], { cwd: root, stdio: 'ignore', timeout: 60_000 });
  if (!existsSync(classes)) writeFileSync(classes, '');
}
