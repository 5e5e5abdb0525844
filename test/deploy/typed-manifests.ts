import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Manifest } from './kustomize.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const compiler = join(root, 'node_modules/typescript/bin/tsc');

/**
 * What the published types of Kubernetes and KEDA say against objects, told by each object's place in
 * the list. A literal with a key that its type lacks does not compile: that is how a misspelt one is
 * found, which Kubernetes' own JSON schemas would let pass.
 */
export async function typeFaults(objects: readonly Manifest[]): Promise<Map<number, string>> {
  const lines = objects.map((object, index) => {
    const { kind } = object;
    const family = object.apiVersion.startsWith('keda.sh/')
      ? '@kubernetes-models/keda'
      : 'kubernetes-models';
    return `export const _${index}: import('${family}/${object.apiVersion}/${kind}').I${kind} = ${JSON.stringify(object)};`;
  });
  // Beneath the project, so that the types are found.
  await mkdir(join(root, '.local'), { recursive: true });
  const folder = await mkdtemp(join(root, '.local/manifests-'));
  try {
    await writeFile(join(folder, 'objects.mts'), `${lines.join('\n')}\n`);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--types', ''];
    const modules = ['--module', 'nodenext', '--target', 'es2022'];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [compiler, ...options, ...modules, join(folder, 'objects.mts')],
      { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
    ).catch((error: Error & { stdout?: string }) => ({ stdout: error.stdout ?? error.message }));
    const faults = new Map<number, string>();
    for (const [, line, text] of stdout.matchAll(/objects\.mts\((\d+),\d+\): (error .*)/g)) {
      faults.set(Number(line) - 1, text ?? '');
    }
    if (faults.size === 0 && stdout.trim() !== '') throw new Error(stdout);
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
