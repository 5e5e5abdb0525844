import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from './failure.ts';

/**
 * Asks, before anything is done, whether a file can appear there whole: in a folder that may be written to, in
 * place of nothing or of a file. What appears under its name by renaming would replace a device or a
 * pipe, not write to it.
 *
 * @throws UsageError naming the option
 */
export async function checkOutputFile(option: string, path: string): Promise<void> {
  if (path === '' || path === '-') {
    throw new UsageError(
      `${option} names no file.`,
      'It appears whole under its name, or not at all: name a file, and not the standard output.',
    );
  }
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile()) {
    throw new UsageError(
      `${option}: ${path} is ${there.isDirectory() ? 'a folder' : 'no regular file'}.`,
      'Name a file.',
    );
  }
  const folder = dirname(path);
  const fault = await access(folder, constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? 'there is no such folder'
        : 'no permission to write there',
  );
  if (fault !== undefined) {
    throw new UsageError(`${option}: ${path} cannot be written: ${fault}.`, 'Name another file.');
  }
}
