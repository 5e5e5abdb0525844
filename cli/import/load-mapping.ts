import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../failure.ts';
import type { LogMapping } from './mapping.ts';

/**
 * A mapping of the user's own: the default export of an ES module.
 *
 * @throws UsageError when there is no such file, it cannot be loaded, or it exports no mapping
 */
export async function loadMapping(path: string): Promise<LogMapping> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new UsageError(`There is no file ${path}`, 'Name an ES module that exists.');
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(file).href)) as typeof exported;
  } catch (error) {
    throw new UsageError(
      `The module ${path} cannot be loaded: ${error instanceof Error ? error.message : 'it threw'}`,
      'Check that `node` runs it on its own.',
    );
  }
  const { default: mapping } = exported;
  if (isMapping(mapping)) return mapping;
  throw new UsageError(
    `The module ${path} has no mapping as its default export`,
    'Export { name, map } as default: docs/import.md shows one.',
  );
}

const isMapping = (value: unknown): value is LogMapping =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'map') === 'function' &&
  typeof Reflect.get(value, 'name') === 'string' &&
  /^[\w.-]{1,100}$/.test(String(Reflect.get(value, 'name')));
