import type { Change } from 'ledgerline';

const isFields = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const pointer = (path: string, key: string): string =>
  `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/**
 * Which fields a patch changes, each with its old and new value. Nested fields by their path
 * (a JSON Pointer), lists as a whole.
 */
export function changesOf(before: object, patch: object, path = ''): Change[] {
  return Object.entries(patch).flatMap(([key, value]: [string, unknown]): Change[] => {
    const old: unknown = Reflect.get(before, key);
    if (isFields(old) && isFields(value)) return changesOf(old, value, pointer(path, key));
    if (JSON.stringify(old) === JSON.stringify(value)) return [];
    const op = old === undefined ? 'add' : 'replace';
    return [{ op, path: pointer(path, key), old, new: value }];
  });
}
