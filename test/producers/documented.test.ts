/** The guides' snippets, run as they stand: `// →` says what the line before it answers. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SECRET_NAMES } from '../../producers/index.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gmu'))].map(
    ([, code = '']) => code,
  );

/** A snippet's statements; one that a `// →` follows becomes a check. */
function checked(code: string): string {
  const lines: string[] = [];
  let statement: string[] = [];
  const source = code.split('\n');
  for (let at = 0; at < source.length; at += 1) {
    const [line = '', inline] = (source[at] ?? '').split(' // → ');
    statement.push(line);
    if (!line.endsWith(';')) continue;
    const expected = inline === undefined ? [] : [inline];
    while (source[at + 1]?.startsWith('// → ') === true) {
      at += 1;
      expected.push((source[at] ?? '').slice('// → '.length));
    }
    const said = statement.join('\n');
    lines.push(
      expected.length === 0
        ? said
        : `deepStrictEqual(plain(${said.trim().slice(0, -1)}), plain(${expected.join('\n')}));`,
    );
    statement = [];
  }
  return [...lines, ...statement].join('\n');
}

/** Inside the project, so that `ledgerline` is the package. */
function newFolder(): string {
  const folder = join(ROOT, '.local', `documented-${process.pid}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(folder: string, command: readonly string[]) {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

test.each(['changes.md', 'redaction.md'])('docs/%s runs, and answers what it says', (name) => {
  const folder = newFolder();
  const program = [
    "import { deepStrictEqual } from 'node:assert';",
    'const plain = (value: unknown): unknown => value === undefined ? value : JSON.parse(JSON.stringify(value));',
    ...blocks(page(name), 'ts').map(checked),
  ];
  expect(program.join('\n').match(/deepStrictEqual\(/gu)?.length).toBeGreaterThan(8);
  writeFileSync(join(folder, 'snippets.ts'), program.join('\n'));
  const { status, output } = run(folder, [process.execPath, '--import', 'tsx', 'snippets.ts']);
  expect({ status, output }).toEqual({ status: 0, output: '' });
});

test('docs/redaction.md: a digest can be made with openssl', () => {
  const text = page('redaction.md');
  const [command = ''] = blocks(text, 'sh');
  const digest = spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout.trim();
  expect(digest).toHaveLength(43);
  expect(text).toContain(`hmac-sha256:2026-11:${digest}`);
});

test('docs/redaction.md lists the names that the code lists', () => {
  const listed = /<!-- names -->\s*([^]*?)\s*<!-- \/names -->/u.exec(page('redaction.md'))?.[1];
  expect(listed).toBe(SECRET_NAMES.join(', '));
});

test('docs/testing.md: its files compile and pass, and the run says what no test audits', () => {
  const folder = newFolder();
  const files = [...page('testing.md').matchAll(/^`([\w.-]+)`:\n\n```ts\n([^]*?)^```$/gmu)];
  expect(files.map(([, name]) => name)).toContain('vitest.config.ts');
  for (const [, name = '', code = ''] of files) writeFileSync(join(folder, name), code);
  const tsconfig = {
    extends: '../../tsconfig.json',
    compilerOptions: { noEmit: true, incremental: false, tsBuildInfoFile: null, rootDir: '../..' },
    include: ['.'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  expect(run(folder, [join(ROOT, 'node_modules/.bin/tsc'), '-p', '.']).output).not.toContain(
    'error',
  );
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const whole = run(folder, [process.execPath, vitest, 'run', '--root', '.']);
  expect(whole.output).toContain('3 passed');
  expect(whole.status).toBe(0);
  const one = run(folder, [process.execPath, vitest, 'run', '--root', '.', 'outage.test.ts']);
  expect(one.output).toContain('No test audits shop.opened, shop.closed, shop.order.placed.');
  expect(one.status).not.toBe(0);
}, 60_000);
