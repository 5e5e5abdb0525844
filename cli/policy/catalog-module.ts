import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Catalog } from '../../schemas/index.ts';
import { builtInCatalog } from '../emit/built-in-catalog.ts';
import { UsageError } from '../failure.ts';

/**
 * The catalog that a policy is judged by: the built-in ones, or what a module of the user's exports
 * as its default, as `catalog`, or alone.
 *
 * @throws UsageError when there is no such module, or no catalog in it
 */
export async function catalogOf(path: string | undefined): Promise<Catalog> {
  if (path === undefined) return builtInCatalog;
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new UsageError(`There is no file ${path}.`, 'Name a JavaScript module that exists.');
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UsageError(
      `The module ${path} cannot be loaded: ${error instanceof Error ? error.message : 'it threw'}`,
      'Build it to JavaScript first, and check that it runs on its own.',
    );
  }
  const { default: main, catalog } = exported;
  const found = [main, catalog, ...Object.values(exported)].find(isCatalog);
  if (found !== undefined) return found;
  throw new UsageError(
    `The module ${path} exports no catalog.`,
    'Export what defineCatalog answers, as default or as catalog.',
  );
}

const isCatalog = (value: unknown): value is Catalog =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'resolve') === 'function' &&
  Reflect.get(value, 'categories') instanceof Map;
