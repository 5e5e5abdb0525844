import { rename, writeFile } from 'node:fs/promises';

/** Writes a file so that whoever reads it meanwhile sees the old one or the new one, never a half. */
export async function writeAtOnce(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, text);
  await rename(beside, path);
}
