import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../failure.ts';

export interface InputFile {
  readonly path: string;
  readonly bytes: number;
}

/** @throws UsageError naming every path that is not there, before anything is read */
export async function checkPaths(paths: readonly string[]): Promise<void> {
  const there = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = paths.filter((_, index) => there[index] === false);
  if (missing.length > 0) {
    throw new UsageError(
      `There is no file or folder ${missing.join(', ')}`,
      'Name paths that exist.',
    );
  }
}

/**
 * The files under the paths, folders recursively and in the order of their names, which in a log
 * bucket is the order of time. One at a time: a bucket can hold millions. Links to folders are not
 * followed, since they can go round in circles.
 *
 * @param inFolders names of the files that are read of a folder; those named outright always are
 */
export async function* inputFiles(
  paths: readonly string[],
  inFolders: RegExp,
): AsyncGenerator<InputFile> {
  for (const path of paths) {
    const found = await stat(path);
    if (found.isDirectory()) yield* filesIn(path, inFolders);
    else yield { path, bytes: found.size };
  }
}

async function* filesIn(folder: string, named: RegExp): AsyncGenerator<InputFile> {
  const entries: Dirent[] = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* filesIn(path, named);
    } else if (named.test(entry.name)) {
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile()) yield { path, bytes: found.size };
    }
  }
}
