/** What the folders promise each other. The arrows themselves are held by lint (`npm run check:lint`). */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const FOLDERS = [
  'schemas',
  'producers',
  'outbox',
  'consumers',
  'clickhouse',
  'local',
  'cli',
  'examples',
];

const sources = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file)),
);

/** What a file imports as a value; types are gone at run time. */
function importsOf(file: string): string[] {
  return [...importedWith(file), ...importedLater(file)];
}

/** What is loaded with a file. */
function importedWith(file: string): string[] {
  const statements = textOf(file).matchAll(
    /^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'/gm,
  );
  return [...statements].map((match) => match[1] ?? '');
}

/** What it loads when it needs it. */
function importedLater(file: string): string[] {
  return [...textOf(file).matchAll(/import\('([^']+)'\)/g)].map((match) => match[1] ?? '');
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The packages that get loaded with a file, through all that it imports. */
function packagesUnder(entry: string, imports = importsOf): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of imports(file)) {
      if (specifier.startsWith('.')) visit(relative(ROOT, resolve(ROOT, dirname(file), specifier)));
      else if (!specifier.startsWith('node:') && !builtinModules.includes(specifier))
        packages.add(specifier);
    }
  };
  visit(entry);
  return [...packages].sort();
}

describe('the folders', () => {
  it('a service that embeds the SDK loads Kafka, zod and YAML, and LZ4 where it is asked for, never ClickHouse', () => {
    expect(packagesUnder('producers/index.ts')).toEqual(['kafkajs', 'lz4-napi', 'yaml', 'zod']);
  });

  it.each(['node', 'express', 'fastify'])(
    'the middleware for %s loads no framework and no Kafka',
    (framework) => {
      expect(packagesUnder(`producers/http/${framework}.ts`)).toEqual(['zod']);
    },
  );

  it('schemas are pure: zod alone', () => {
    expect(packagesUnder('schemas/index.ts')).toEqual(['zod']);
  });

  it('the command line starts with its words alone: what a command does is loaded when it is asked to', () => {
    expect(packagesUnder('cli/ledgerline.ts', importedWith)).toEqual(['commander', 'picocolors']);
  });

  it.each(['search', 'tail', 'show', 'facets', 'history', 'state', 'inventory', 'undo', 'query'])(
    '%s loads neither Kafka nor PostgreSQL before it has something to record',
    (action) => {
      const packages = packagesUnder(`cli/actions/${action}.ts`, importedWith);
      expect(packages).toContain('@clickhouse/client');
      for (const other of ['kafkajs', 'pg', 'pino', 'prom-client', 'lz4-napi', 'snappy'])
        expect(packages).not.toContain(other);
    },
  );

  it('a worker starts with what it carries events with, and no more', () => {
    const packages = packagesUnder('cli/actions/worker.ts', importedWith);
    expect(packages).toContain('kafkajs');
    for (const other of ['pg', 'yaml', 'cli-table3', 'cli-progress', 'hyparquet'])
      expect(packages).not.toContain(other);
  });

  it.each([
    { package: 'kafkajs', files: ['consumers/kafka.ts', 'producers/kafka-transport.ts'] },
    { package: '@clickhouse/client', files: ['clickhouse/client.ts'] },
    { package: 'pg', files: ['outbox/postgres.ts', 'examples/panel/database.ts'] },
  ])('$package is imported in one file per side', ({ package: name, files }) => {
    expect(new Set(sources.filter((file) => importsOf(file).includes(name)))).toEqual(
      new Set(files),
    );
  });

  it('examples use the package as a user would', () => {
    const foreign = sources
      .filter((file) => file.startsWith('examples/'))
      .flatMap((file) =>
        importsOf(file).filter((specifier) => {
          if (!specifier.startsWith('.')) return false;
          return relative(
            join(ROOT, 'examples'),
            resolve(ROOT, dirname(file), specifier),
          ).startsWith('..');
        }),
      );
    expect(foreign).toEqual([]);
  });

  it('an arrow in the wrong direction does not pass the lint', () => {
    const file = join(ROOT, 'schemas', `against-the-arrows-${process.pid}.ts`);
    writeFileSync(
      file,
      "import { migrate } from '../clickhouse/index.ts';\nexport const wrong = migrate;\n",
    );
    try {
      const lint = spawnSync(
        process.execPath,
        [join(ROOT, 'node_modules/oxlint/bin/oxlint'), file],
        { cwd: ROOT, encoding: 'utf8' },
      );
      expect(lint.stdout).toContain('CONTRIBUTING.md shows the arrows');
      expect(lint.status).toBe(1);
    } finally {
      rmSync(file);
    }
  });
});
