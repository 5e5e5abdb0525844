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
  const text = readFileSync(join(ROOT, file), 'utf8');
  const statements = text.matchAll(
    /^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/gm,
  );
  return [...statements].map((match) => match[1] ?? match[2] ?? '');
}

/** The packages that get loaded with a file, through all that it imports. */
function packagesUnder(entry: string): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(file)) {
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

  it.each([
    { package: 'kafkajs', files: ['consumers/kafka.ts', 'producers/kafka-transport.ts'] },
    { package: '@clickhouse/client', files: ['clickhouse/client.ts'] },
    { package: 'pg', files: ['outbox/postgres.ts'] },
  ])('$package is imported in one file per side', ({ package: name, files }) => {
    expect(sources.filter((file) => importsOf(file).includes(name)).sort()).toEqual(files);
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
